//! How an operation says its answer without knowing the protocol: it tells a [`Writer`] what comes, in order.
//!
//! Members that are absent are simply not told. The `field_…` methods are what operations use; a protocol only
//! implements the bare ones.

/// Something that can be an answer, or a part of one.
pub trait Output {
    /// Tells `w` the whole value, once.
    fn write<W: Writer>(&self, w: &mut W);

    /// About how many bytes that will be. Whoever answers records should know: growing copies all of them.
    fn bytes_hint(&self) -> usize {
        256
    }
}

/// A protocol's way to write values. Between `map_start` and `map_end`, each value follows a `key`.
pub trait Writer: Sized {
    /// Opens a structure, or a map of Kinesis.
    fn map_start(&mut self);
    /// Closes it.
    fn map_end(&mut self);
    /// Opens a list.
    fn list_start(&mut self);
    /// Closes it.
    fn list_end(&mut self);
    /// The name of the member whose value comes next.
    fn key(&mut self, name: &str);
    /// Text.
    fn str(&mut self, value: &str);
    /// An integer.
    fn i64(&mut self, value: i64);
    /// A floating point number. Not for timestamps.
    fn f64(&mut self, value: f64);
    /// A boolean.
    fn bool(&mut self, value: bool);
    /// A point in time, in milliseconds since 1970; on the wire mostly seconds with a fraction.
    fn timestamp_ms(&mut self, value: u64);
    /// Bytes: Base64 where the protocol has none.
    fn blob(&mut self, value: &[u8]);

    /// A map from text to text. XML has no keys of its own, so what is a map must be told from a structure.
    fn string_map<K: AsRef<str>, V: AsRef<str>>(
        &mut self,
        entries: impl IntoIterator<Item = (K, V)>,
    ) {
        self.map(|w| {
            for (key, value) in entries {
                w.field_str(key.as_ref(), value.as_ref());
            }
        });
    }

    /// A map from text to floating point numbers, likewise.
    fn double_map<K: AsRef<str>>(&mut self, entries: impl IntoIterator<Item = (K, f64)>) {
        self.map(|w| {
            for (key, value) in entries {
                w.field_f64(key.as_ref(), value);
            }
        });
    }

    /// A map or structure, by what is in it.
    fn map(&mut self, members: impl FnOnce(&mut Self)) {
        self.map_start();
        members(self);
        self.map_end();
    }

    /// A list, one `item` call for each of `items`.
    fn list<I: IntoIterator>(&mut self, items: I, mut item: impl FnMut(&mut Self, I::Item)) {
        self.list_start();
        for one in items {
            item(self, one);
        }
        self.list_end();
    }

    /// A member that is text.
    fn field_str(&mut self, name: &str, value: &str) {
        self.key(name);
        self.str(value);
    }

    /// A member that is an integer.
    fn field_i64(&mut self, name: &str, value: i64) {
        self.key(name);
        self.i64(value);
    }

    /// A member that is a floating point number.
    fn field_f64(&mut self, name: &str, value: f64) {
        self.key(name);
        self.f64(value);
    }

    /// A member that is a boolean.
    fn field_bool(&mut self, name: &str, value: bool) {
        self.key(name);
        self.bool(value);
    }

    /// A member that is a point in time, in milliseconds since 1970.
    fn field_timestamp_ms(&mut self, name: &str, value: u64) {
        self.key(name);
        self.timestamp_ms(value);
    }

    /// A member that is bytes.
    fn field_blob(&mut self, name: &str, value: &[u8]) {
        self.key(name);
        self.blob(value);
    }

    /// A member that is a map or structure.
    fn field_map(&mut self, name: &str, members: impl FnOnce(&mut Self)) {
        self.key(name);
        self.map(members);
    }

    /// A member that is a list.
    fn field_list<I: IntoIterator>(
        &mut self,
        name: &str,
        items: I,
        item: impl FnMut(&mut Self, I::Item),
    ) {
        self.key(name);
        self.list(items, item);
    }

    /// A member that is a list of texts.
    fn field_strings<S: AsRef<str>>(&mut self, name: &str, items: impl IntoIterator<Item = S>) {
        self.field_list(name, items, |w, item| w.str(item.as_ref()));
    }

    /// A member that is a map from text to text.
    fn field_string_map<K: AsRef<str>, V: AsRef<str>>(
        &mut self,
        name: &str,
        entries: impl IntoIterator<Item = (K, V)>,
    ) {
        self.key(name);
        self.string_map(entries);
    }

    /// A member that is a map from text to floating point numbers.
    fn field_double_map<K: AsRef<str>>(
        &mut self,
        name: &str,
        entries: impl IntoIterator<Item = (K, f64)>,
    ) {
        self.key(name);
        self.double_map(entries);
    }

    /// A member that is an output of its own.
    fn field(&mut self, name: &str, value: &impl Output) {
        self.key(name);
        value.write(self);
    }
}
