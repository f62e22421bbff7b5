//! Modified UTF-7, the spelling of folder names on the wire and in Maildir++ (RFC 3501, 5.1.3).

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

/// Writes a name. Printable ASCII stands for itself, `&` becomes `&-`.
pub fn encode(name: &str) -> String {
    let mut out = String::new();
    let mut pending: Vec<u16> = Vec::new();
    for c in name.chars() {
        if (' '..='~').contains(&c) {
            flush(&mut pending, &mut out);
            out.push(c);
            if c == '&' {
                out.push('-');
            }
        } else {
            pending.extend_from_slice(c.encode_utf16(&mut [0; 2]));
        }
    }
    flush(&mut pending, &mut out);
    out
}

fn flush(pending: &mut Vec<u16>, out: &mut String) {
    if pending.is_empty() {
        return;
    }
    out.push('&');
    let (mut bits, mut held) = (0u32, 0u32);
    for unit in pending.drain(..) {
        bits = bits << 16 | u32::from(unit);
        held += 16;
        while held >= 6 {
            held -= 6;
            push_digit(bits >> held, out);
        }
        bits &= (1 << held) - 1;
    }
    if held > 0 {
        push_digit(bits << (6 - held), out);
    }
    out.push('-');
}

fn push_digit(value: u32, out: &mut String) {
    out.extend(
        ALPHABET
            .get((value & 63) as usize)
            .map(|digit| *digit as char),
    );
}

/// Reads a name. `None` where it is not well formed.
pub fn decode(wire: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = wire;
    while let Some(at) = rest.find('&') {
        let (plain, coded) = (rest.get(..at)?, rest.get(at + 1..)?);
        out.push_str(plain);
        let end = coded.find('-')?;
        let digits = coded.get(..end)?;
        if digits.is_empty() {
            out.push('&');
        } else {
            out.push_str(&String::from_utf16(&units(digits)?).ok()?);
        }
        rest = coded.get(end + 1..)?;
    }
    out.push_str(rest);
    Some(out)
}

fn units(digits: &str) -> Option<Vec<u16>> {
    let (mut bits, mut held) = (0u32, 0u32);
    let mut units = Vec::new();
    for digit in digits.bytes() {
        let value = ALPHABET.iter().position(|known| *known == digit)?;
        bits = bits << 6 | value as u32;
        held += 6;
        if held >= 16 {
            held -= 16;
            units.push((bits >> held) as u16);
            bits &= (1 << held) - 1;
        }
    }
    // What is left over is padding of less than a digit.
    (held < 6 && bits == 0).then_some(units)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_examples_of_the_standard() {
        assert_eq!(
            encode("~peter/mail/台北/日本語"),
            "~peter/mail/&U,BTFw-/&ZeVnLIqe-"
        );
        assert_eq!(encode("Q1 & Q2"), "Q1 &- Q2");
        assert_eq!(decode("&ZeVnLIqe-").as_deref(), Some("日本語"));
        for broken in ["&", "&ZeV", "&Z-", "&Ze*-", "&2D0-"] {
            assert_eq!(decode(broken), None, "{broken}");
        }
    }

    proptest! {
        #[test]
        fn every_name_comes_back(name in any::<String>()) {
            let wire = encode(&name);
            prop_assert!(wire.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            prop_assert_eq!(decode(&wire), Some(name));
        }

        #[test]
        fn any_text_ends(text in "[&A-Za-z0-9+,-]{0,30}") {
            let _ = decode(&text);
        }
    }
}
