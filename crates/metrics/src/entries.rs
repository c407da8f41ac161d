//! What a record of the log says: which series are new, and samples.
//!
//! ```text
//! record     number of series · series … · sample …
//! series     id · account · region · namespace · name · unit · number of dimensions · (name · value) …
//! sample     id · tier 1 · begin of its period in seconds · row (`codec.rs`)
//! ```
//!
//! Numbers are varints, texts have their length before them.

use nautilus_stats::Distribution;

use crate::{Dimension, Series, SeriesId, Unit, codec, tier::Tier, varint};

/// A record in the making.
#[derive(Debug, Default)]
pub(crate) struct Record {
    series: Vec<u8>,
    series_count: u64,
    samples: Vec<u8>,
}

impl Record {
    pub fn series(&mut self, id: SeriesId, series: &Series) {
        self.series_count += 1;
        let out = &mut self.series;
        varint::put(out, id.0.into());
        for text in [&*series.account, &*series.region, &*series.namespace, &*series.name] {
            varint::put_text(out, text);
        }
        varint::put_text(out, series.unit.text());
        varint::put(out, series.dimensions.len() as u64);
        for dimension in &series.dimensions {
            varint::put_text(out, &dimension.name);
            varint::put_text(out, &dimension.value);
        }
    }

    pub fn sample(&mut self, id: SeriesId, tier: Tier, at_s: u32, samples: &Distribution) {
        let out = &mut self.samples;
        varint::put(out, id.0.into());
        out.push(tier.number());
        varint::put(out, at_s.into());
        codec::put(out, samples);
    }

    pub fn is_empty(&self) -> bool {
        self.series.is_empty() && self.samples.is_empty()
    }

    pub fn finish(self) -> Vec<u8> {
        let mut record = Vec::with_capacity(self.series.len() + self.samples.len() + 10);
        varint::put(&mut record, self.series_count);
        record.extend_from_slice(&self.series);
        record.extend_from_slice(&self.samples);
        record
    }
}

/// One thing that a record says.
#[derive(Debug, PartialEq)]
pub(crate) enum Entry {
    Series(SeriesId, Series),
    Sample { id: SeriesId, tier: Tier, at_s: u32, samples: Distribution },
}

/// Gives all that a record says; `None` if it is not one, after what could be read of it.
pub(crate) fn read(mut record: &[u8], mut each: impl FnMut(Entry)) -> Option<()> {
    let series = varint::take(&mut record)?;
    for _ in 0..series {
        let (id, series) = take_series(&mut record)?;
        each(Entry::Series(id, series));
    }
    while !record.is_empty() {
        let id = SeriesId(varint::take_u32(&mut record)?);
        let tier = Tier::of_number(varint::take_bytes(&mut record, 1)?[0])?;
        let at_s = varint::take_u32(&mut record)?;
        let samples = codec::take(&mut record)?;
        each(Entry::Sample { id, tier, at_s, samples });
    }
    Some(())
}

fn take_series(record: &mut &[u8]) -> Option<(SeriesId, Series)> {
    let id = SeriesId(varint::take_u32(record)?);
    let mut text = || varint::take_text(record);
    let (account, region, namespace, name) = (text()?, text()?, text()?, text()?);
    let unit = Unit::parse(text()?)?;
    let mut dimensions = Vec::new();
    for _ in 0..varint::take(record)? {
        let name = varint::take_text(record)?.into();
        dimensions.push(Dimension { name, value: varint::take_text(record)?.into() });
    }
    let series = Series {
        account: account.into(),
        region: region.into(),
        namespace: namespace.into(),
        name: name.into(),
        dimensions,
        unit,
    };
    Some((id, series))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{distributions, series};

    proptest! {
        #[test]
        fn records_come_back(samples in prop::collection::vec(distributions(), 0..5)) {
            let mut record = Record::default();
            let mut wanted = Vec::new();
            for (at, samples) in samples.into_iter().enumerate() {
                let (id, named) = (SeriesId(at as u32 * 1000), series("IncomingBytes", &at.to_string()));
                record.series(id, &named);
                record.sample(id, Tier::Minute, 60 * at as u32, &samples);
                wanted.insert(at, Entry::Series(id, named));
                wanted.push(Entry::Sample { id, tier: Tier::Minute, at_s: 60 * at as u32, samples });
            }
            let mut found = Vec::new();
            prop_assert_eq!(read(&record.finish(), |entry| found.push(entry)), Some(()));
            prop_assert_eq!(found, wanted);
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            read(&bytes, |_| {});
        }
    }
}
