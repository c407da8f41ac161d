//! DescribeAlarmHistory: what happened to alarms in the last two weeks, also to those that are deleted.
//!
//! AWS: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarmHistory.html>

use nautilus_wire::{
    Members, Output as WireOutput, Writer,
    rules::{LengthRule, StringRule},
};

use crate::{
    alarm::{
        actions,
        history::{Entry, ItemKind, ItemText},
        model::{AlarmType, alarm_arn},
    },
    catalog::{self, unchanged},
    cloudwatch::{Ctx, Request},
    error::Error,
    limits, rules, token,
};

/// What its tokens are of.
const LIST: &str = "history";

#[derive(Debug)]
pub(crate) struct Input {
    name: Option<String>,
    types: Vec<String>,
    kind: Option<String>,
    from_ms: Option<i64>,
    to_ms: Option<i64>,
    is_ascending: bool,
    max_records: Option<i64>,
    next_token: Option<String>,
    contributor: Option<String>,
}

impl Input {
    pub(crate) fn read(members: &mut Members<'_>) -> Input {
        const TYPE: StringRule = StringRule::one_of(AlarmType::WORDS);
        const KIND: StringRule = StringRule::one_of(&[
            "ConfigurationUpdate",
            "StateUpdate",
            "Action",
            "AlarmContributorStateUpdate",
            "AlarmContributorAction",
        ]);
        const SCAN_BY: StringRule =
            StringRule::one_of(&["TimestampDescending", "TimestampAscending"]);
        let text = |members: &mut Members<'_>, name, rule: &StringRule| {
            members.string(name, rule).map(|text| text.into_owned())
        };
        let types = members.strings("AlarmTypes", &LengthRule::ANY, &TYPE).unwrap_or_default();
        Input {
            name: text(members, "AlarmName", &rules::ALARM_NAME),
            types: types.into_iter().map(|one| one.into_owned()).collect(),
            kind: text(members, "HistoryItemType", &KIND),
            from_ms: members.timestamp_ms("StartDate"),
            to_ms: members.timestamp_ms("EndDate"),
            is_ascending: members.string("ScanBy", &SCAN_BY).as_deref()
                == Some("TimestampAscending"),
            max_records: members.integer("MaxRecords", &rules::MAX_RECORDS),
            next_token: text(members, "NextToken", &StringRule::ANY),
            contributor: text(members, "AlarmContributorId", &StringRule::length(1, 16)),
        }
    }

    pub(crate) fn resource(&self, request: &Request<'_>) -> Result<String, Error> {
        let name = self.name.as_deref().unwrap_or("*");
        Ok(alarm_arn(&request.caller.account, &request.caller.region, name))
    }

    fn admits(&self, entry: &Entry, name: &str, oldest_ms: u64) -> bool {
        let at_ms = i64::try_from(entry.at_ms).unwrap_or(i64::MAX);
        entry.at_ms >= oldest_ms
            && self.contributor.is_none() // there are no alarms with several here
            && self.name.as_ref().is_none_or(|asked| asked == name)
            && (self.types.is_empty() || self.types.iter().any(|one| one == entry.alarm_type.text()))
            && self.kind.as_ref().is_none_or(|kind| ItemKind::parse(kind) == Some(entry.kind))
            && self.from_ms.is_none_or(|from_ms| at_ms >= from_ms)
            && self.to_ms.is_none_or(|to_ms| at_ms <= to_ms)
    }
}

#[derive(Debug)]
pub(crate) struct Output {
    items: Vec<Told>,
    next_token: Option<String>,
}

#[derive(Debug)]
struct Told {
    name: String,
    alarm_type: AlarmType,
    at_ms: u64,
    kind: ItemKind,
    text: ItemText,
}

impl WireOutput for Output {
    fn write<W: Writer>(&self, w: &mut W) {
        w.map(|w| {
            w.field_list("AlarmHistoryItems", &self.items, |w, item| {
                w.map(|w| {
                    w.field_str("AlarmName", &item.name);
                    w.field_str("AlarmType", item.alarm_type.text());
                    w.field_timestamp_ms("Timestamp", item.at_ms);
                    w.field_str("HistoryItemType", item.kind.text());
                    w.field_str("HistorySummary", &item.text.summary);
                    w.field_str("HistoryData", &item.text.data);
                });
            });
            if let Some(token) = &self.next_token {
                w.field_str("NextToken", token);
            }
        });
    }

    fn bytes_hint(&self) -> usize {
        256 + self.items.len() * 1024
    }
}

pub(crate) async fn act(ctx: &Ctx<'_>, input: Input) -> Result<Output, Error> {
    let after = match &input.next_token {
        Some(token) => Some(place(token::open::<2>(LIST, token)?)?),
        None => None,
    };
    let count = input.max_records.and_then(|count| usize::try_from(count).ok());
    let count = count.unwrap_or(limits::PAGE_MAX);

    actions::record_deliveries(ctx.inner).await;
    let (account, region) = (&ctx.caller.account, &ctx.caller.region);
    let oldest_ms = ctx.inner.now_ms().saturating_sub(limits::HISTORY_LIFE_MS);
    let snapshot = ctx.inner.catalog.snapshot();
    let asked = |entry: &&Entry| {
        let is_behind = after.is_none_or(|after| match input.is_ascending {
            true => (entry.at_ms, entry.number) > after,
            false => (entry.at_ms, entry.number) < after,
        });
        let name = entry.name_in(account, region);
        is_behind && name.is_some_and(|name| input.admits(entry, name, oldest_ms))
    };
    let mut entries: Vec<&Entry> = snapshot.history.entries().filter(asked).collect();
    // The clock may have been set back: the order of writing is not always that of time.
    entries.sort_by_key(|entry| (entry.at_ms, entry.number));
    if !input.is_ascending {
        entries.reverse();
    }
    let next_token = (entries.len() > count).then(|| {
        entries.truncate(count);
        let last = entries.last().map_or((0, 0), |last| (last.at_ms, last.number));
        token::make(LIST, &[&last.0.to_string(), &last.1.to_string()])
    });
    Ok(Output { items: read(ctx, &entries).await?, next_token })
}

/// Where a list goes on: behind an item of that time and number.
fn place([at_ms, number]: [String; 2]) -> Result<(u64, u64), Error> {
    match (at_ms.parse(), number.parse()) {
        (Ok(at_ms), Ok(number)) => Ok((at_ms, number)),
        _ => Err(Error::InvalidNextToken),
    }
}

/// The items themselves. One that was pruned meanwhile is left out.
async fn read(ctx: &Ctx<'_>, entries: &[&Entry]) -> Result<Vec<Told>, Error> {
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let (store, keys) =
        (ctx.inner.store.clone(), entries.iter().map(|entry| entry.key()).collect::<Vec<_>>());
    // On the catalog's own thread, which may wait for the disk; behind it no item is being written.
    let rows = ctx
        .inner
        .change(move |_| Ok(unchanged(store.some_rows(catalog::NAMESPACE, &keys)?)))
        .await?;
    let mut rows = rows.into_iter().peekable();
    let mut items = Vec::with_capacity(entries.len());
    for entry in entries {
        let Some((key, value)) = rows.next_if(|(key, _)| *key == entry.key()) else { continue };
        let text = serde_json::from_slice(&value)
            .map_err(|error| Error::catalog_row(&key, &error.to_string()))?;
        let name = entry.name_in(&ctx.caller.account, &ctx.caller.region).unwrap_or_default();
        items.push(Told {
            name: name.to_owned(),
            alarm_type: entry.alarm_type,
            at_ms: entry.at_ms,
            kind: entry.kind,
            text,
        });
    }
    Ok(items)
}
