//! The routes of backups and of the review after a restore.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::Method;
use hyper::body::Incoming;
use tollgate_shared::api::{BackupView, BackupWritten, NewBackup, RestoreReviewed, ReviewRestore};

use super::{Client, ClientError, Sender, connect, encode, is_problem, read_all, refusal};

/// The daemon begins its answer after 20 s, also where the state is large.
const BEGIN_TIMEOUT: Duration = Duration::from_secs(60);

/// A backup on its way.
#[derive(Debug)]
pub struct BackupBytes {
    /// What [`BackupWritten`] calls it.
    pub id: String,
    /// Its length, where the daemon knew it when it began.
    pub total: Option<u64>,
    body: Incoming,
    /// The connection lives as long as its sender.
    _connection: Sender,
}

impl BackupBytes {
    /// The next piece; `None` at the end, which is whole only where the end mark is there.
    ///
    /// # Errors
    /// The connection broke.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ClientError> {
        loop {
            match self.body.frame().await {
                None => return Ok(None),
                Some(Err(error)) => return Err(ClientError::broken("the backup broke off", error)),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if !data.is_empty() => return Ok(Some(data)),
                    _ => {}
                },
            }
        }
    }
}

impl Client {
    /// Has a backup made, over a connection of its own.
    ///
    /// # Errors
    /// The daemon's refusal.
    pub async fn backup(&self, new: &NewBackup) -> Result<BackupBytes, ClientError> {
        let opening = async {
            let mut sender = self.introduce(connect::one(&self.socket).await?).await?;
            let sent = sender.send_request(self.request(&Method::POST, "/v1/backup", Some(encode(new)?)).done()?).await;
            let response = sent.map_err(|error| ClientError::broken("the connection ended before an answer", error))?;
            let status = response.status();
            if !status.is_success() {
                let is_problem = is_problem(&response);
                return Err(refusal(status, is_problem, &read_all(response.into_body()).await?));
            }
            let header = |name: &str| response.headers().get(name)?.to_str().ok().map(str::to_owned);
            let id = header("tollgate-backup").unwrap_or_default();
            let total = header("tollgate-backup-bytes").and_then(|bytes| bytes.parse().ok());
            Ok(BackupBytes { id, total, body: response.into_body(), _connection: sender })
        };
        tokio::time::timeout(BEGIN_TIMEOUT, opening)
            .await
            .unwrap_or(Err(ClientError::TooSlow { secs: BEGIN_TIMEOUT.as_secs() }))
    }

    /// Says that a backup is whole, on a disk.
    ///
    /// # Errors
    /// The daemon's refusal.
    pub async fn backup_written(&self, written: &BackupWritten) -> Result<BackupView, ClientError> {
        self.send(Method::POST, "/v1/backup/written", written).await
    }

    /// Suspends tokens and takes calls again after a restore.
    ///
    /// # Errors
    /// The daemon's refusal: another number of tokens would be let in, or nothing waits for a review.
    pub async fn review_restore(&self, review: &ReviewRestore) -> Result<RestoreReviewed, ClientError> {
        self.send(Method::POST, "/v1/restore-review", review).await
    }
}
