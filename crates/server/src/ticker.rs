//! What happens without a call: transitions that become due, records that expire, alarms that are looked at.
//!
//! Born with the server, aborted after its drain. Each room is called when it wants it, and at least once in a while,
//! because the service's clock may be moved.

use std::{sync::Arc, time::Duration};

use nautilus_cloudwatch::CloudWatch;
use nautilus_kinesis::Kinesis;
use nautilus_log::Clock;
use tokio::sync::Notify;

/// However much is due, a tick that could not do it does not keep a processor busy.
const BUSY_MIN: Duration = Duration::from_millis(5);
const IDLE_MAX: Duration = Duration::from_secs(30);

/// A room in which things happen without a call.
pub(crate) trait Ticks: Send + Sync + 'static {
    /// Does what is due; answers when it wants to be called next, in ms of the clock.
    fn tick(&self) -> impl Future<Output = Option<u64>> + Send;
    /// Rings when that is earlier than the last tick said.
    fn next_due_changed(&self) -> &Notify;
}

/// Ticks for ever.
pub(crate) async fn run(room: impl Ticks, clock: Arc<dyn Clock>) {
    loop {
        let due_changed = room.next_due_changed().notified(); // rung from here on, also while it ticks
        let due_ms = room.tick().await;
        let wait = due_ms.map_or(IDLE_MAX, |due_ms| {
            Duration::from_millis(due_ms.saturating_sub(clock.now_ms())).clamp(BUSY_MIN, IDLE_MAX)
        });
        tokio::select! {
            () = due_changed => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

impl Ticks for Kinesis {
    async fn tick(&self) -> Option<u64> {
        Kinesis::tick(self).await
    }

    fn next_due_changed(&self) -> &Notify {
        Kinesis::next_due_changed(self)
    }
}

impl Ticks for CloudWatch {
    async fn tick(&self) -> Option<u64> {
        CloudWatch::tick(self).await
    }

    fn next_due_changed(&self) -> &Notify {
        CloudWatch::next_due_changed(self)
    }
}
