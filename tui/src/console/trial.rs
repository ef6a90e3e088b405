//! Trials of a filter that is being typed.

use std::time::Duration;

use tokio::sync::mpsc::Sender;
use tollgate_shared::api::{TryFilter, WhatIf};

use super::client::words;
use crate::app::Net;
use crate::client::Client;

/// Typing rests for so long before the draft is tried.
const SETTLE: Duration = Duration::from_millis(250);

/// On one call. A newer question ends this one, so that only the last draft of a burst of keys is asked about.
pub(super) async fn one(client: &Client, generation: u64, question: &TryFilter) -> Net {
    tokio::time::sleep(SETTLE).await;
    let result = client.try_filter(question).await.map(Box::new).map_err(|error| words(&error));
    Net::Tried { generation, result }
}

/// Over all logged calls, told piece by piece. The loop that is gone wants nothing more.
pub(super) async fn over(client: &Client, net: &Sender<Net>, generation: u64, what: &WhatIf) {
    let mut lines = match client.what_if(what).await {
        Ok(lines) => lines,
        Err(error) => {
            net.send(Net::TriedOver { generation, item: Err(words(&error)) }).await.ok();
            return;
        }
    };
    loop {
        let item = match lines.next().await {
            Ok(Some(item)) => Ok(item),
            Ok(None) => return,
            Err(error) => Err(words(&error)),
        };
        let ends = item.is_err();
        if net.send(Net::TriedOver { generation, item }).await.is_err() || ends {
            return;
        }
    }
}
