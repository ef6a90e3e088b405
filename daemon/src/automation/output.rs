//! What is kept of what a step writes: the end of it, redacted before it is cut.

use tollgate_shared::limits::STEP_OUTPUT_BYTES_MAX;

use crate::core::call::redact::Redactor;
use crate::core::workflows::StepOutput;

/// More is held than is kept: a secret that the front edge cuts in two lies in the part that goes.
const HELD_BYTES: usize = 2 * STEP_OUTPUT_BYTES_MAX;

/// Takes any number of bytes and holds the last ones.
#[derive(Default)]
pub(super) struct Tail {
    bytes: Vec<u8>,
    dropped: bool,
}

impl Tail {
    pub(super) fn push(&mut self, more: &[u8]) {
        self.bytes.extend_from_slice(more);
        // Cutting at twice the size moves each byte at most once on the average.
        if self.bytes.len() > 2 * HELD_BYTES {
            self.bytes.drain(..self.bytes.len() - HELD_BYTES);
            self.dropped = true;
        }
    }

    /// What is kept. Bytes that are no text become the replacement character.
    pub(super) fn into_output(self, redactor: &Redactor) -> StepOutput {
        let text = String::from_utf8_lossy(&self.bytes);
        let clean = redactor.redact_text(&text);
        let start = clean.ceil_char_boundary(clean.len().saturating_sub(STEP_OUTPUT_BYTES_MAX));
        StepOutput { text: clean[start..].to_owned(), truncated: self.dropped || start > 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_16_kib_are_kept_and_redacted_first() {
        let redactor = Redactor::new(["password"]);
        let mut tail = Tail::default();
        for _ in 0..200_000 {
            tail.push(b"0123456789");
        }
        tail.push(b"\npassword=hunter2\nend\xff");
        let output = tail.into_output(&redactor);
        assert!(output.truncated && output.text.len() <= STEP_OUTPUT_BYTES_MAX, "{}", output.text.len());
        assert!(output.text.ends_with("end\u{fffd}") && !output.text.contains("hunter2"));
    }

    #[test]
    fn a_short_output_is_whole() {
        let mut tail = Tail::default();
        tail.push(b"done\n");
        let kept = tail.into_output(&Redactor::new(["password"]));
        assert_eq!(kept, StepOutput { text: "done\n".to_owned(), truncated: false });
    }
}
