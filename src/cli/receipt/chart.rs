//! A picture of where the mail went: bars as SVG, told apart by pattern and not by colour alone.

use std::fmt::Write;

use spectrum_migrate::amount::{count, messages};

use super::Share;
use super::page::escape;

/// Rows of a picture; what is beyond is one row together.
const ROWS: usize = 30;

/// Width of the picture, in its own units.
const WIDTH: f64 = 400.0;

/// Room for the number behind a bar.
const NUMBER: f64 = 70.0;

/// A picture with a bar for each row. `id` keeps its parts apart from those of another.
pub(super) fn chart(id: &str, title: &str, rows: &[(String, Share)], beside: bool) -> String {
    let rows = shortened(rows);
    let most = rows
        .iter()
        .map(|(_, share)| share.sum())
        .max()
        .unwrap_or(0)
        .max(1);
    let label = if beside { 70.0 } else { 0.0 };
    let (step, bar) = if beside { (24.0, 3.0) } else { (42.0, 19.0) };
    let height = step * rows.len() as f64;
    let described = described(&rows);
    let mut svg = format!(
        "<svg role=\"img\" viewBox=\"0 0 {WIDTH} {height}\" aria-labelledby=\"{id}-title {id}-desc\">\n\
         <title id=\"{id}-title\">{}</title>\n<desc id=\"{id}-desc\">{}</desc>\n\
         <defs><pattern id=\"{id}-hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" \
         patternTransform=\"rotate(45)\"><rect width=\"3\" height=\"6\" class=\"line\"/></pattern></defs>\n",
        escape(title),
        escape(&described)
    );
    for (number, (name, share)) in rows.iter().enumerate() {
        let top = step * number as f64;
        let full = WIDTH - NUMBER - label;
        let width = |part: u64| full * part as f64 / most as f64;
        // Writing to a string can't fail.
        let _ = writeln!(
            svg,
            "<text x=\"0\" y=\"{:.0}\">{}</text>",
            top + 15.0,
            escape(&cut(name, if beside { 9 } else { 40 }))
        );
        let mut x = label;
        for (part, class, fill) in [
            (share.server, "server", String::new()),
            (share.kept, "kept", format!(" fill=\"url(#{id}-hatch)\"")),
            (share.stayed, "stayed", String::new()),
        ] {
            if part == 0 {
                continue;
            }
            // A single message is to be seen, too.
            let wide = width(part).max(2.0);
            let _ = writeln!(
                svg,
                "<rect class=\"{class}\"{fill} x=\"{x:.1}\" y=\"{:.0}\" width=\"{wide:.1}\" height=\"16\"/>",
                top + bar
            );
            x += wide;
        }
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.0}\">{}</text>",
            x + 6.0,
            top + bar + 13.0,
            count(share.sum())
        );
    }
    svg + "</svg>"
}

/// The largest rows in their order, and the others together.
fn shortened(rows: &[(String, Share)]) -> Vec<(String, Share)> {
    if rows.len() <= ROWS {
        return rows.to_vec();
    }
    let mut sums: Vec<u64> = rows.iter().map(|(_, share)| share.sum()).collect();
    sums.sort_unstable_by(|a, b| b.cmp(a));
    let least = sums.get(ROWS - 1).copied().unwrap_or(0);
    let mut shown = Vec::new();
    let mut rest = Share::default();
    let mut others = 0;
    for (name, share) in rows {
        if share.sum() >= least && shown.len() + 1 < ROWS {
            shown.push((name.clone(), *share));
        } else {
            rest.server += share.server;
            rest.kept += share.kept;
            rest.stayed += share.stayed;
            others += 1;
        }
    }
    shown.push((format!("{} others together", count(others)), rest));
    shown
}

/// The picture in a sentence; the table beside it has every number.
fn described(rows: &[(String, Share)]) -> String {
    let largest = rows.iter().max_by_key(|(_, share)| share.sum());
    let largest = largest.map_or_else(String::new, |(name, share)| {
        format!(" The longest is {name}: {}.", messages(share.sum()))
    });
    format!(
        "{} bars, each as long as its number of messages.{largest} The table has the same numbers.",
        rows.len()
    )
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.into();
    }
    let start: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{start}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_rows_become_a_few_and_no_message_gets_lost() {
        let rows: Vec<(String, Share)> = (0..400)
            .map(|number| {
                let share = Share {
                    server: number,
                    kept: 1,
                    stayed: 0,
                };
                (format!("folder {number}"), share)
            })
            .collect();
        let short = shortened(&rows);
        assert_eq!(short.len(), ROWS);
        let sum = |rows: &[(String, Share)]| rows.iter().map(|(_, share)| share.sum()).sum::<u64>();
        assert_eq!(sum(&short), sum(&rows));
        assert!(short.last().unwrap().0.ends_with("others together"));
    }

    #[test]
    fn nothing_at_all_makes_a_picture_too() {
        let svg = chart("x", "t", &[("a".into(), Share::default())], true);
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>") && !svg.contains("NaN"));
    }
}
