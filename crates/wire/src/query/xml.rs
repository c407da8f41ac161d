//! The XML writer: structures are elements, the items of lists are `<member>`s, the entries of maps are `<entry>`s.

use std::{fmt, io::Write as _, ops::Range};

use base64_simd::STANDARD;

use crate::{Writer, time::Date};

/// Writes what stands in one element, or a document.
#[derive(Debug, Default)]
pub struct XmlWriter {
    text: Vec<u8>,
    /// The elements around the place where we write.
    open: Vec<Open>,
    /// Where the name of the member stands whose value comes next: in a start tag that is not closed yet.
    key: Option<Range<usize>>,
}

#[derive(Debug)]
struct Open {
    /// Where its name stands; empty for what has no element of its own.
    name: Range<usize>,
    is_list: bool,
    /// Where its content begins.
    start: usize,
}

impl XmlWriter {
    /// Writes behind what stands in `text` already.
    pub fn behind(text: Vec<u8>) -> XmlWriter {
        XmlWriter { text, open: Vec::new(), key: None }
    }

    /// What was written.
    pub fn finish(self) -> Vec<u8> {
        self.text
    }

    /// The root element, in its namespace.
    pub(super) fn root(&mut self, name: &str, namespace: &str, inner: impl FnOnce(&mut Self)) {
        let start = self.text.len() + 1;
        self.raw(&["<", name, " xmlns=\"", namespace, "\">"]);
        let name = start..start + name.len();
        self.open.push(Open { name, is_list: false, start: self.text.len() });
        inner(self);
        self.map_end();
    }

    /// A member whose content has been written before.
    pub(super) fn fragment(&mut self, content: &[u8]) {
        self.start(false);
        self.text.extend_from_slice(content);
        self.end();
    }

    /// The start tag of whatever comes next.
    fn start(&mut self, is_list: bool) {
        const ITEM: &str = "member";
        let in_list = self.open.last().is_some_and(|open| open.is_list);
        if self.key.is_none() && in_list {
            self.key(ITEM);
        }
        let name = self.key.take().unwrap_or(0..0);
        if !name.is_empty() {
            self.text.push(b'>');
        }
        self.open.push(Open { name, is_list, start: self.text.len() });
    }

    /// Its end tag.
    fn end(&mut self) {
        let Open { name, .. } = self.open.pop().expect("what ends has begun");
        if !name.is_empty() {
            self.text.extend_from_slice(b"</");
            self.text.extend_from_within(name);
            self.text.push(b'>');
        }
    }

    /// The end tag of what may have no content: then the start tag becomes both.
    fn end_of_many(&mut self) {
        let open = self.open.last();
        match open.is_some_and(|open| open.start == self.text.len() && !open.name.is_empty()) {
            true => {
                self.open.pop();
                self.text.pop();
                self.text.extend_from_slice(b"/>");
            }
            false => self.end(),
        }
    }

    fn scalar(&mut self, value: impl fmt::Display) {
        self.start(false);
        // Writing to memory cannot fail, and a `Display` of a number or date does not.
        let _ = write!(self.text, "{value}");
        self.end();
    }

    fn raw(&mut self, parts: &[&str]) {
        parts.iter().for_each(|part| self.text.extend_from_slice(part.as_bytes()));
    }

    /// Control characters, which XML 1.0 cannot hold, are written as references: that is what AWS does.
    fn escaped(&mut self, value: &str) {
        let mut plain = 0;
        for (at, c) in value.char_indices() {
            let reference = match c {
                '&' => "&amp;",
                '<' => "&lt;",
                '>' => "&gt;",
                '"' => "&quot;",
                c if c.is_control() => &format!("&#x{:x};", u32::from(c)),
                _ => continue,
            };
            self.raw(&[&value[plain..at], reference]);
            plain = at + c.len_utf8();
        }
        self.raw(&[&value[plain..]]);
    }
}

impl Writer for XmlWriter {
    fn map_start(&mut self) {
        self.start(false);
    }

    fn map_end(&mut self) {
        self.end_of_many();
    }

    fn list_start(&mut self) {
        self.start(true);
    }

    fn list_end(&mut self) {
        self.end_of_many();
    }

    fn key(&mut self, name: &str) {
        self.text.push(b'<');
        let start = self.text.len();
        self.text.extend_from_slice(name.as_bytes());
        self.key = Some(start..self.text.len());
    }

    fn str(&mut self, value: &str) {
        self.start(false);
        self.escaped(value);
        self.end();
    }

    fn i64(&mut self, value: i64) {
        self.scalar(value);
    }

    /// With a fraction always, as Java prints it.
    fn f64(&mut self, value: f64) {
        match value {
            f64::INFINITY => self.str("Infinity"),
            f64::NEG_INFINITY => self.str("-Infinity"),
            _ => self.scalar(format_args!("{value:?}")),
        }
    }

    fn bool(&mut self, value: bool) {
        self.scalar(value);
    }

    fn timestamp_ms(&mut self, value: u64) {
        self.scalar(Date::from_unix_ms(i64::try_from(value).unwrap_or(i64::MAX)));
    }

    fn blob(&mut self, value: &[u8]) {
        self.start(false);
        STANDARD.encode_append(value, &mut self.text);
        self.end();
    }

    fn string_map<K: AsRef<str>, V: AsRef<str>>(
        &mut self,
        entries: impl IntoIterator<Item = (K, V)>,
    ) {
        self.map(|w| {
            for (key, value) in entries {
                w.field_map("entry", |w| {
                    w.field_str("key", key.as_ref());
                    w.field_str("value", value.as_ref());
                });
            }
        });
    }

    fn double_map<K: AsRef<str>>(&mut self, entries: impl IntoIterator<Item = (K, f64)>) {
        self.map(|w| {
            for (key, value) in entries {
                w.field_map("entry", |w| {
                    w.field_str("key", key.as_ref());
                    w.field_f64("value", value);
                });
            }
        });
    }
}
