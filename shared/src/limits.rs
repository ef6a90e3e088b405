//! Every bound of the vocabulary in one place, with its unit in the name and its reason beside it.

/// A name: at most 64 characters, so that a table column can hold it (domain.md §1).
pub const NAME_CHARS_MAX: usize = 64;
/// A token's free description.
pub const DESCRIPTION_CHARS_MAX: usize = 500;
/// An operator's reason or comment (revoke, resolve).
pub const COMMENT_CHARS_MAX: usize = 500;
/// Filters of one service (domain.md §3).
pub const FILTERS_PER_SERVICE_MAX: usize = 32;
/// Entries of a token's address list.
pub const ALLOWED_IPS_MAX: usize = 256;
/// Default deduplication window: 10 min (domain.md §2).
pub const DEDUP_WINDOW_SECS_DEFAULT: u32 = 600;
/// Longest deduplication window: 24 h.
pub const DEDUP_WINDOW_SECS_MAX: u32 = 86_400;
/// Debug tracking switches itself off this long after it was enabled (domain.md §5).
pub const DEBUG_SECS: i64 = 48 * 3_600;
/// A log row is unreadable this long after it was written (domain.md §5).
pub const LOG_ROW_SECS: i64 = 48 * 3_600;
/// Body bytes kept in a log row.
pub const LOG_BODY_BYTES_MAX: usize = 16 * 1_024;
/// Bytes of all header names and values kept in a log row.
pub const LOG_HEADER_BYTES_MAX: usize = 4 * 1_024;
/// User agent kept in rows and usage.
pub const USER_AGENT_BYTES_MAX: usize = 128;
/// Rejected calls of one known token that become log rows, each second; the rest are counted.
pub const REJECTED_ROWS_PER_SEC: u32 = 10;
/// Results listed in an answer to `/v1/process`; all incidents are created all the same.
pub const RESULTS_LISTED_MAX: usize = 100;
/// Timeline entries of one incident; attaches are merged.
pub const TIMELINE_ENTRIES_MAX: usize = 200;
/// Open incidents of one service; beyond, calls attach to one overflow incident (domain.md §6).
pub const OPEN_PER_SERVICE_MAX: u32 = 10_000;
/// New incidents without a key from one token into one service in a minute; beyond, overflow (domain.md §6).
pub const UNKEYED_PER_MINUTE_MAX: u32 = 100;
/// Open incidents in total (storage.md, bounds).
pub const OPEN_TOTAL_MAX: usize = 1_000_000;
/// Services that one call may open an incident in; beyond, the call is refused whole (domain.md §6).
pub const SERVICES_PER_CALL_MAX: usize = 10_000;
/// Deduplication entries in memory; a token may hold a quarter of them (domain.md §4).
pub const DEDUP_ENTRIES_MAX: usize = 1_000_000;
/// An idempotency key is remembered this long (http.md §1).
pub const IDEMPOTENCY_SECS: i64 = 86_400;
/// Idempotency keys that are remembered; beyond, the oldest goes (storage.md, Bounds).
pub const IDEMPOTENCY_KEYS_MAX: usize = 100_000;
/// Bytes of the answer that is kept with an idempotency key; of a longer one the last results are left out.
pub const IDEMPOTENCY_ANSWER_BYTES_MAX: usize = 4 * 1_024;
/// Maintenances of one service that may be planned or running at once.
pub const MAINTENANCES_PER_SERVICE_MAX: usize = 32;
/// Texts of one group of maintenance tags, all of which must be found (domain.md §1).
pub const MAINTENANCE_TAGS_MAX: usize = 10;
/// Characters of a maintenance tag.
pub const MAINTENANCE_TAG_CHARS_MAX: usize = 200;
/// Incidents that one bulk change takes: all that can be open in one service.
pub const BULK_INCIDENTS_MAX: usize = 10_000;
/// The *Refused* ring.
pub const REFUSED_ROWS_MAX: usize = 1_024;
/// Rows of a page where the caller names no limit.
pub const PAGE_ROWS_DEFAULT: usize = 100;
/// Rows of a page at most: a read transaction stays short (storage.md).
pub const PAGE_ROWS_MAX: usize = 1_000;

/// An old secret lives on beside the new one for 30 d at most: a plant has one change window a week.
pub const OVERLAP_SECS_MAX: u32 = 30 * 86_400;

/// A quota or a block that is set for a time: 30 d at most, as what lasts longer is a setting.
pub const MEASURE_SECS_MAX: u32 = 30 * 86_400;

/// Addresses and networks of one token that may be blocked at once.
pub const BLOCKS_MAX: usize = 64;

/// Debug logs one call in so many at most.
pub const DEBUG_ONE_IN_MAX: u32 = 10_000;

/// Debug is switched on without a question below so many rows a second of the token (operator.md, job 7).
pub const DEBUG_ROWS_PER_SEC_ASKED: u32 = 50;

/// One call in so many is what is offered then.
pub const DEBUG_ONE_IN_OFFERED: u32 = 100;

/// What a log row of 1.2 KB took on disk when it was measured (performance.md: 311 bytes with zstd; LZ4, which is used, takes
/// half as much again).
pub const LOG_ROW_DISK_BYTES: u64 = 466;

/// Tokens, addresses and services that are counted one by one for who calls most now.
pub const TALKERS_MAX: usize = 1_000;

/// Addresses kept of a token; beyond, the least recent are merged into their /24 or /64.
pub const SOURCES_MAX: usize = 256;

/// Paths left out of "same content", per token.
pub const DEDUP_IGNORE_MAX: usize = 16;

/// Tokens of one batch or one bulk change: what one transaction and one answer can well hold.
pub const BULK_TOKENS_MAX: usize = 1_000;

/// Calls a minute, and calls at once, that a quota can name.
pub const RATE_MAX: u32 = 1_000_000;

/// Characters of an imported value: shorter ones can be guessed, longer ones do not fit a header.
pub const IMPORT_CHARS_MIN: usize = 20;

/// Characters of an imported value at most.
pub const IMPORT_CHARS_MAX: usize = 512;

/// Answers to a token with less than this left carry `Tollgate-Token-Expires`.
pub const EXPIRES_SOON_SECS: i64 = 14 * 86_400;

/// Steps of a workflow (domain.md §7).
pub const STEPS_MAX: usize = 10;

/// Variables of a workflow: an environment and a form can hold them.
pub const VARIABLES_MAX: usize = 32;

/// Characters of a variable's value or default: an argument list of the kernel is not endless.
pub const VARIABLE_CHARS_MAX: usize = 1_024;

/// Workflows in all: a call without `workflowId` is tried against each of them.
pub const WORKFLOWS_MAX: usize = 1_000;

/// Output of a step that is kept, bytes (domain.md §7).
pub const STEP_OUTPUT_BYTES_MAX: usize = 16 * 1_024;

/// Tries of a step after the first one.
pub const STEP_RETRIES_MAX: u32 = 10;

/// Longest time limit of a program.
pub const RUN_SECS_MAX: u32 = 3_600;

/// Longest time limit of one post.
pub const POST_SECS_MAX: u32 = 60;

/// Arguments of a program.
pub const RUN_ARGS_MAX: usize = 32;

/// Headers that a post adds.
pub const POST_HEADERS_MAX: usize = 16;

/// Bytes of an answer that are read (security.md, outgoing HTTP).
pub const POST_ANSWER_BYTES_MAX: usize = 64 * 1_024;

/// Requests that are queued or running; beyond, calls are answered 503.
pub const REQUESTS_UNFINISHED_MAX: usize = 10_000;

/// Bytes of the payloads of unfinished requests, which are kept for a restart; beyond, calls are answered 503.
pub const REQUEST_PAYLOAD_BYTES_MAX: usize = 256 * 1_024 * 1_024;

/// Requests that one call may start; beyond, the call is refused whole.
pub const REQUESTS_PER_CALL_MAX: usize = 100;

/// Finished requests are kept as long as resolved incidents, and at most this many: the oldest go first.
pub const REQUESTS_FINISHED_MAX: usize = 100_000;
