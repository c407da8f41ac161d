//! The JSON writer: appends to one buffer, escapes what must be, and keeps no stack.

use std::fmt::Write as _;

use base64_simd::STANDARD;

use crate::Writer;

/// Writes one JSON value.
#[derive(Debug, Default)]
pub struct JsonWriter {
    text: Vec<u8>,
    /// Whether a value stands before the place where we write: then a comma comes first.
    after_value: bool,
}

impl JsonWriter {
    /// Writes behind what stands in `text` already.
    pub fn behind(text: Vec<u8>) -> JsonWriter {
        JsonWriter { text, after_value: false }
    }

    /// What was written.
    pub fn finish(self) -> Vec<u8> {
        self.text
    }

    fn separate(&mut self) {
        if self.after_value {
            self.text.push(b',');
        }
        self.after_value = true;
    }

    fn open(&mut self, bracket: u8) {
        self.separate();
        self.text.push(bracket);
        self.after_value = false;
    }

    fn close(&mut self, bracket: u8) {
        self.text.push(bracket);
        self.after_value = true;
    }

    fn quoted(&mut self, value: &str) {
        self.text.push(b'"');
        let mut rest = value.as_bytes();
        while let Some(at) = rest.iter().position(|&byte| needs_escape(byte)) {
            self.text.extend_from_slice(&rest[..at]);
            self.escape(rest[at]);
            rest = &rest[at + 1..];
        }
        self.text.extend_from_slice(rest);
        self.text.push(b'"');
    }

    fn escape(&mut self, byte: u8) {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        match byte {
            b'"' => self.text.extend_from_slice(br#"\""#),
            b'\\' => self.text.extend_from_slice(br"\\"),
            b'\n' => self.text.extend_from_slice(br"\n"),
            b'\r' => self.text.extend_from_slice(br"\r"),
            b'\t' => self.text.extend_from_slice(br"\t"),
            _ => {
                let digits = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
                self.text.extend_from_slice(br"\u00");
                self.text.extend_from_slice(&digits);
            }
        }
    }

    fn display(&mut self, value: impl std::fmt::Display) {
        let mut text = Text(&mut self.text);
        // Writing to memory cannot fail, and a `Display` of a number does not.
        let _ = write!(text, "{value}");
    }
}

impl Writer for JsonWriter {
    fn map_start(&mut self) {
        self.open(b'{');
    }

    fn map_end(&mut self) {
        self.close(b'}');
    }

    fn list_start(&mut self) {
        self.open(b'[');
    }

    fn list_end(&mut self) {
        self.close(b']');
    }

    fn key(&mut self, name: &str) {
        self.separate();
        self.quoted(name);
        self.text.push(b':');
        self.after_value = false;
    }

    fn str(&mut self, value: &str) {
        self.separate();
        self.quoted(value);
    }

    fn i64(&mut self, value: i64) {
        self.separate();
        self.display(value);
    }

    fn f64(&mut self, value: f64) {
        self.separate();
        // JSON has no word for the infinite. Whole numbers have a fraction too, as Java prints them.
        if value.is_finite() {
            self.display(format_args!("{value:?}"));
        } else {
            self.text.extend_from_slice(b"null");
        }
    }

    fn bool(&mut self, value: bool) {
        self.separate();
        self.text.extend_from_slice(if value { b"true" } else { b"false" });
    }

    fn timestamp_ms(&mut self, value: u64) {
        self.separate();
        let (seconds, ms) = (value / 1000, value % 1000);
        match ms {
            0 => self.display(seconds),
            _ if ms % 100 == 0 => self.display(format_args!("{seconds}.{}", ms / 100)),
            _ if ms % 10 == 0 => self.display(format_args!("{seconds}.{:02}", ms / 10)),
            _ => self.display(format_args!("{seconds}.{ms:03}")),
        }
    }

    fn blob(&mut self, value: &[u8]) {
        self.separate();
        self.text.push(b'"');
        STANDARD.encode_append(value, &mut self.text);
        self.text.push(b'"');
    }
}

fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

struct Text<'t>(&'t mut Vec<u8>);

impl std::fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}
