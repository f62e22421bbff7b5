//! The receipt as a page that stands alone: nothing is loaded, nothing runs, and every text from outside is escaped.

use spectrum_migrate::amount::count;

use super::chart::chart;
use super::story::{self, Chapter};
use super::{Receipt, Share};

/// How it looks: on a phone, in the dark, and on paper.
const STYLE: &str = include_str!("page.css");

/// The page.
pub(super) fn page(receipt: &Receipt) -> String {
    let mut body = vec![format!(
        "<h1>Spectrum mail: receipt</h1>\n<p class=\"moment\">{}</p>",
        escape(&receipt.moment)
    )];
    body.extend(story::before(receipt).iter().map(section));
    if !receipt.years.is_empty() {
        body.push(pictured(
            "years",
            "Where the mail went, year by year",
            &chart("by-year", "Messages by year", &receipt.years, true),
            &by_year(receipt),
        ));
    }
    let rows: Vec<(String, Share)> = (receipt.folders.iter())
        .map(|folder| (folder.name.clone(), Share::of(&folder.counts)))
        .collect();
    body.push(pictured(
        "folders",
        "Where the mail went, folder by folder",
        &chart("by-folder", "Messages by folder", &rows, false),
        &by_folder(receipt),
    ));
    body.extend(story::after(receipt).iter().map(section));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>Spectrum mail receipt {}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{}\n</main>\n</body>\n</html>\n",
        escape(&receipt.day),
        body.join("\n")
    )
}

fn section(chapter: &Chapter) -> String {
    let (open, tag, close) = match chapter.list {
        true => ("<ul>\n", "li", "\n</ul>"),
        false => ("", "p", ""),
    };
    let lines = chapter
        .lines
        .iter()
        .map(|line| format!("<{tag}>{}</{tag}>", escape(line)));
    let lines: Vec<String> = lines.collect();
    format!(
        "<section>\n<h2>{}</h2>\n{open}{}{close}\n</section>",
        escape(chapter.title),
        lines.join("\n")
    )
}

fn pictured(id: &str, title: &str, picture: &str, table: &str) -> String {
    format!(
        "<section id=\"{id}\">\n<h2>{}</h2>\n<figure>\n{picture}\n<figcaption>\
         <span class=\"key\"><i class=\"server\"></i> on the server</span> \
         <span class=\"key\"><i class=\"kept\"></i> kept on this computer</span> \
         <span class=\"key\"><i class=\"stayed\"></i> not copied</span>\
         </figcaption>\n</figure>\n{table}\n</section>",
        escape(title)
    )
}

fn by_year(receipt: &Receipt) -> String {
    let rows = receipt.years.iter().map(|(year, share)| {
        let numbers = [share.server, share.kept, share.stayed];
        row("th scope=\"row\"", &escape(year), &numbers)
    });
    table(
        "Messages by year",
        &["Year", "On the server", "Kept here", "Not copied"],
        &rows.collect::<Vec<_>>(),
        None,
    )
}

fn by_folder(receipt: &Receipt) -> String {
    let rows = receipt.folders.iter().map(|folder| {
        let from = folder.from.as_ref().map(|from| format!("from {from}"));
        let about = [Some(folder.years.clone()), from].into_iter().flatten();
        let about: String = about
            .filter(|about| !about.is_empty())
            .map(|about| format!(" <small>{}</small>", escape(&about)))
            .collect();
        let share = Share::of(&folder.counts);
        let numbers = [
            folder.counts.copied,
            folder.counts.already_there,
            share.kept,
            share.stayed,
        ];
        row(
            "th scope=\"row\"",
            &(escape(&folder.name) + &about),
            &numbers,
        )
    });
    let counts = &receipt.report.counts;
    let share = Share::of(counts);
    let numbers = [
        counts.copied,
        counts.already_there,
        share.kept,
        share.stayed,
    ];
    table(
        "Messages by folder",
        &[
            "Folder",
            "Copied",
            "There before",
            "Kept here",
            "Not copied",
        ],
        &rows.collect::<Vec<_>>(),
        Some(&row("th scope=\"row\"", "Together", &numbers)),
    )
}

/// `name` is HTML already.
fn row(tag: &str, name: &str, numbers: &[u64]) -> String {
    let close = tag.split(' ').next().unwrap_or(tag);
    let cells: String = numbers
        .iter()
        .map(|number| format!("<td>{}</td>", count(*number)))
        .collect();
    format!("<tr><{tag}>{name}</{close}>{cells}</tr>")
}

fn table(caption: &str, heads: &[&str], rows: &[String], foot: Option<&str>) -> String {
    let heads: String = heads
        .iter()
        .map(|head| format!("<th scope=\"col\">{}</th>", escape(head)))
        .collect();
    let foot = foot.map_or_else(String::new, |row| format!("<tfoot>{row}</tfoot>\n"));
    format!(
        "<table>\n<caption>{}</caption>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{}\n</tbody>\n{foot}</table>",
        escape(caption),
        rows.join("\n")
    )
}

/// A text as HTML shows it, in elements and in attributes.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(c),
        }
    }
    escaped
}
