//! What could not be delivered: `sns-dead-letters.jsonl` in the data directory, one JSON object a line.
//!
//! Written in the catalog's change that takes the delivery out of the outbox, before that is durable: a letter may stand
//! there twice after a crash and is never lost. When the file is full it becomes `sns-dead-letters.1.jsonl`, in the place
//! of the one of that name. Runs on the catalog's thread.

use std::{
    io::{self, IoSlice},
    sync::Arc,
};

use nautilus_log::{Disk, Open};
use nautilus_wire::time::Date;
use serde::Serialize;

use crate::{
    limits,
    model::message::{Delivery, Message},
};

const FILE: &str = "sns-dead-letters.jsonl";
const OLD_FILE: &str = "sns-dead-letters.1.jsonl";

/// The files.
pub(crate) struct DeadLetters {
    disk: Arc<dyn Disk>,
    file_bytes_max: u64,
}

#[derive(Serialize)]
struct Letter<'a> {
    time: String,
    reason: &'a str,
    attempts: u32,
    endpoint: &'a str,
    subscription_arn: &'a str,
    topic_arn: &'a str,
    message_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    message: &'a str,
}

impl DeadLetters {
    pub(crate) fn new(disk: Arc<dyn Disk>) -> DeadLetters {
        DeadLetters { disk, file_bytes_max: limits::DEAD_LETTER_FILE_BYTES_MAX }
    }

    /// Adds a letter; it is durable when this returns.
    pub(crate) fn add(
        &self,
        message: &Message,
        delivery: &Delivery,
        reason: &str,
        now_ms: u64,
    ) -> io::Result<()> {
        let letter = Letter {
            time: Date::from_unix_ms(i64::try_from(now_ms).unwrap_or(i64::MAX)).to_string(),
            reason,
            attempts: delivery.attempts,
            endpoint: &delivery.endpoint,
            subscription_arn: &delivery.subscription_arn,
            topic_arn: &message.topic_arn,
            message_id: &message.id,
            subject: message.subject.as_deref(),
            message: message.text_for(delivery.protocol),
        };
        let mut line = serde_json::to_vec(&letter).map_err(io::Error::other)?;
        line.push(b'\n');

        let mut file = self.disk.open(FILE, Open::Either)?;
        let mut end = file.len()?;
        if end > 0 && end + line.len() as u64 > self.file_bytes_max {
            self.disk.rename(FILE, OLD_FILE)?;
            file = self.disk.open(FILE, Open::New)?;
            end = 0;
        }
        // A write that failed or was cut off may have left a part of a line.
        let mut last = [b'\n'];
        if end > 0 {
            file.read_at(&mut last, end - 1)?;
        }
        if last != [b'\n'] {
            line.insert(0, b'\n');
        }
        file.write_at(&mut [IoSlice::new(&line)], end)?;
        file.sync()?;
        self.disk.sync_dir(".")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use nautilus_log::testing::MemoryDisk;

    use super::*;
    use crate::{
        delivery_policy,
        model::{
            message::Kind,
            subscription::{Protocol, tests::subscription},
        },
    };

    fn add(letters: &DeadLetters, text: &str) {
        let message = Message {
            id: "m-1".to_owned(),
            topic_arn: "t".to_owned(),
            kind: Kind::Notification,
            subject: None,
            text: text.to_owned(),
            texts: BTreeMap::new(),
            attributes: BTreeMap::new(),
            published_ms: 0,
            origin: None,
        };
        let to = subscription(Protocol::Http, "http://example.com/");
        let mut delivery = Delivery::new(&to, delivery_policy::effective(None, None), 0);
        delivery.attempts = 4;
        letters.add(&message, &delivery, "it said 500", 1_000).expect("a disk");
    }

    fn lines(disk: &MemoryDisk, path: &str) -> Vec<String> {
        let mut text = String::new();
        disk.edit(path, |bytes| text = String::from_utf8_lossy(bytes).into_owned());
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn letters_stand_one_behind_the_other() {
        let disk = Arc::new(MemoryDisk::default());
        let letters = DeadLetters::new(disk.clone());
        add(&letters, "one\ntwo");
        add(&letters, "three");
        let lines = lines(&disk, FILE);
        assert_eq!(
            lines[0],
            r#"{"time":"1970-01-01T00:00:01Z","reason":"it said 500","attempts":4,"endpoint":"http://example.com/","subscription_arn":"arn:aws:sns:us-east-1:000000000000:t:1","topic_arn":"t","message_id":"m-1","message":"one\ntwo"}"#
        );
        assert_eq!(lines.len(), 2);
    }

    #[test]
    fn a_line_that_was_cut_off_spoils_no_other() {
        let disk = Arc::new(MemoryDisk::default());
        let letters = DeadLetters::new(disk.clone());
        add(&letters, "one");
        disk.edit(FILE, |bytes| bytes.truncate(bytes.len() - 7));
        add(&letters, "two");
        let lines = lines(&disk, FILE);
        assert_eq!(lines.len(), 2);
        assert!(serde_json::from_str::<serde_json::Value>(&lines[1]).is_ok());
    }

    #[test]
    fn two_files_are_all_that_there_is() {
        let disk = Arc::new(MemoryDisk::default());
        let letters = DeadLetters { disk: disk.clone(), file_bytes_max: 600 };
        for text in ["one", "two", "three", "four", "five"] {
            add(&letters, text);
        }
        let has =
            |path: &str, text: &str| lines(&disk, path).iter().any(|line| line.contains(text));
        assert_eq!(disk.paths(), [OLD_FILE, FILE]);
        assert!(has(FILE, "five") && has(OLD_FILE, "four") && has(OLD_FILE, "three"));
    }
}
