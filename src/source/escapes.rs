//! Bytes spelled as a mark and two hexadecimal digits: `%20` in addresses, `_5F` in Evolution's folder names.

/// Resolves the escapes of a text. What is none stays as it is.
pub(crate) fn resolve(text: &str, mark: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let (byte, after) = escape(*first, after, mark).unwrap_or((*first, after));
        bytes.push(byte);
        rest = after;
    }
    bytes
}

fn escape(first: u8, after: &[u8], mark: u8) -> Option<(u8, &[u8])> {
    let (digits, rest) = after.split_at_checked(2).filter(|_| first == mark)?;
    let [high, low] = digits else { return None };
    let value = |digit: u8| (digit as char).to_digit(16);
    let byte = u8::try_from(value(*high)? << 4 | value(*low)?).ok()?;
    Some((byte, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_escape_stays() {
        for (text, bytes) in [
            ("a%20b%C3%a4%", "a bä%"),
            ("%", "%"),
            ("%+1%zz%4", "%+1%zz%4"),
            ("_41", "_41"),
        ] {
            assert_eq!(resolve(text, b'%'), bytes.as_bytes(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_text_comes_back(text in any::<String>()) {
            let escaped: String = text.bytes().map(|byte| format!("_{byte:02X}")).collect();
            prop_assert_eq!(resolve(&escaped, b'_'), text.as_bytes());
        }
    }
}
