//! Numbers and times in words, short enough for a column.

use tollgate_shared::time::Timestamp;

/// `2s`, `14m`, `26h`, `9d`: how long ago or until, in one unit. Negative counts as nothing.
#[must_use]
pub fn age(secs: i64) -> String {
    match secs.max(0) {
        secs @ 0..60 => format!("{secs}s"),
        secs @ 60..3_600 => format!("{}m", secs / 60),
        secs @ 3_600..172_800 => format!("{}h", secs / 3_600),
        secs => format!("{}d", group(secs.unsigned_abs() / 86_400)),
    }
}

/// Seconds until the text of [`age`] changes for something that lies `secs` back.
#[must_use]
pub fn age_changes_in(secs: i64) -> i64 {
    let unit = match secs.max(0) {
        0..60 => 1,
        60..3_600 => 60,
        3_600..172_800 => 3_600,
        _ => 86_400,
    };
    unit - secs.max(0) % unit
}

/// `47 h 02 m`, or `12 m`: for a countdown.
#[must_use]
pub fn countdown(secs: i64) -> String {
    let minutes = secs.max(0) / 60;
    match minutes / 60 {
        0 => format!("{minutes} m"),
        hours => format!("{hours} h {:02} m", minutes % 60),
    }
}

/// `1,310`.
#[must_use]
pub fn group(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 call`, `2 calls`.
#[must_use]
pub fn count(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", group(number))
}

/// `1.2 KB`, in steps of 1,024.
#[must_use]
pub fn bytes(bytes: u64) -> String {
    let units = [("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10)];
    match units.into_iter().find(|(_, size)| bytes >= *size) {
        Some((unit, size)) => format!("{}.{} {unit}", bytes / size, bytes % size * 10 / size),
        None => format!("{bytes} B"),
    }
}

/// `5,041` or `4.2`: how many a second, of how many in ten. From ten on a tenth is no news.
#[must_use]
pub fn per_second(in_ten: u64) -> String {
    match in_ten {
        0 => "0".to_owned(),
        1..100 => format!("{}.{}", in_ten / 10, in_ten % 10),
        _ => group((in_ten + 5) / 10),
    }
}

/// `2026-11-22`.
#[must_use]
pub fn date(at: Timestamp) -> String {
    at.to_utc().format("%Y-%m-%d").to_string()
}

/// `03:12:39`, UTC.
#[must_use]
pub fn clock(at: Timestamp) -> String {
    at.to_utc().format("%H:%M:%S").to_string()
}

/// `03:12Z`.
#[must_use]
pub fn minute(at: Timestamp) -> String {
    at.to_utc().format("%H:%MZ").to_string()
}

/// `2026-11-22 03:12:39Z`.
#[must_use]
pub fn moment(at: Timestamp) -> String {
    at.to_utc().format("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// The next of `len` places that `fits`, around the end; `from_here`: the one at `at` counts too.
#[must_use]
pub fn find(len: usize, at: usize, forward: bool, from_here: bool, fits: impl Fn(usize) -> bool) -> Option<usize> {
    if len == 0 {
        return None;
    }
    let first = usize::from(!from_here);
    let place = |offset: usize| if forward { (at + offset) % len } else { (at + len - offset % len) % len };
    (first..len + first).map(place).find(|place| fits(*place))
}

/// `2026-11-22T03:12:39Z`: as the daemon takes it back.
#[must_use]
pub fn exact(at: Timestamp) -> String {
    at.to_utc().format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A text as one word of a shell line: quoted where a shell would take it apart.
#[must_use]
pub fn shell(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:,@%+=".contains(c);
    if !text.is_empty() && text.chars().all(plain) && !text.starts_with('-') {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_has_one_unit_and_says_when_it_changes() {
        assert_eq!([0, 59, 60, 3_599, 93_600, 172_800].map(age), ["0s", "59s", "1m", "59m", "26h", "2d"]);
        for secs in [0, 59, 61, 3_599, 3_700, 200_000] {
            assert_ne!(age(secs), age(secs + age_changes_in(secs)), "{secs}");
            assert_eq!(age(secs), age(secs + age_changes_in(secs) - 1), "{secs}");
        }
    }

    #[test]
    fn numbers_are_grouped_and_bytes_have_a_unit() {
        assert_eq!([0, 8, 42, 104, 50_413].map(per_second), ["0", "0.8", "4.2", "10", "5,041"]);
        assert_eq!([0, 999, 1_000, 1_234_567].map(group), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([512, 1_536, 5 << 20].map(bytes), ["512 B", "1.5 KB", "5.0 MB"]);
    }

    #[test]
    fn a_name_with_spaces_or_quotes_is_one_word_of_a_shell() {
        assert_eq!(shell("zabbix-prod"), "zabbix-prod");
        assert_eq!(shell("a b"), "'a b'");
        assert_eq!(shell("it's"), "'it'\\''s'");
        assert_eq!(shell("-rf"), "'-rf'");
    }
}
