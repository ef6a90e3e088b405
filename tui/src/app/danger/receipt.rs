//! What a revoke leaves in the hand.

use tollgate_shared::api::RevokeReceipt;

use super::super::words;

/// The receipt as text: on the screen, in the clipboard, in the file.
#[must_use]
pub fn receipt_text(receipt: &RevokeReceipt, also: &[String]) -> String {
    let last = receipt
        .last_use
        .as_ref()
        .map_or_else(|| "never".to_owned(), |last| format!("{}  from {}  {}", last.at, last.ip, last.outcome));
    let mut lines = vec![
        format!("REVOKED {}   {}", receipt.name, receipt.id),
        format!("in force since    {}  (audit row {}, on disk)", receipt.revoked_at, words::group(receipt.audit_seq)),
        format!("last accepted     {last}"),
        format!("in flight then    {}", words::count(receipt.in_flight.into(), "call")),
    ];
    lines.extend(also.iter().map(|what| format!("issued by it      {what}")));
    lines.join("\n") + "\n"
}
