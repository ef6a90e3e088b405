//! Who works here.

use tollgate_shared::api::StatusView;

use crate::app::rights::Me;
use crate::client::{Client, ClientError};

/// The socket for those who read.
const READER_SOCKET: &str = "reader.sock";

/// Who works here. Whether he is an operator is asked, because only that says what he may in which team.
pub(crate) async fn me(client: &Client) -> Result<Me, ClientError> {
    let status = client.status().await?;
    let by_uid = format!("uid {}", status.caller_uid);
    let superuser = !client.is_signed_in() && status.caller_role == "admin" && is_superuser(&status, &by_uid);
    let read_only = client.socket().file_name().is_some_and(|name| name == READER_SOCKET);
    let operator = match superuser || status.caller == by_uid {
        true => None,
        false => client.operator(&status.caller).await.ok(),
    };
    Ok(Me { name: status.caller, superuser, read_only, operator })
}

fn is_superuser(status: &StatusView, by_uid: &str) -> bool {
    (status.caller == "root" && status.caller_uid == 0) || status.caller == by_uid
}
