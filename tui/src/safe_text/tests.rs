use super::*;
use proptest::prelude::*;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

fn screen(data: &str) -> String {
    SafeText::new(data).as_screen_str().to_owned()
}

fn plain(data: &[u8]) -> String {
    SafeText::from_bytes(data).to_plain().into_owned()
}

/// Reads a plain text back; the independent proof that it has one source.
fn source_of(plain: &str) -> Vec<u8> {
    let mut source = Vec::new();
    let mut rest = plain;
    while let Some(first) = rest.chars().next() {
        let opens = ["<U+", "<^", "<\\", "<M-^"].iter().any(|opening| rest.starts_with(opening));
        let length = if opens { rest.find('>').unwrap() + 1 } else { first.len_utf8() };
        let (token, after) = rest.split_at(length);
        source.extend(if opens { source_of_escape(&token[1..length - 1]) } else { token.as_bytes().to_vec() });
        rest = after;
    }
    source
}

fn source_of_escape(escape: &str) -> Vec<u8> {
    let caret = |letter: &str| u32::from(letter.as_bytes()[0]) ^ 0x40;
    let code = match escape {
        "\\r" => 0x0D,
        "\\n" => 0x0A,
        "\\t" => 0x09,
        _ if escape.starts_with("\\x") => return vec![u8::from_str_radix(&escape[2..], 16).unwrap()],
        _ if escape.starts_with("U+") => u32::from_str_radix(&escape[2..], 16).unwrap(),
        _ if escape.starts_with("M-^") => 0x80 + caret(&escape[3..]),
        _ => caret(&escape[1..]),
    };
    char::from_u32(code).unwrap().to_string().into_bytes()
}

/// Fails on anything that `vte` takes for more than a printed character.
struct PrintOnly;

impl vte::Perform for PrintOnly {
    fn execute(&mut self, byte: u8) {
        panic!("control {byte:#x}");
    }
    fn csi_dispatch(&mut self, _: &vte::Params, _: &[u8], _: bool, action: char) {
        panic!("CSI {action}");
    }
    fn esc_dispatch(&mut self, _: &[u8], _: bool, byte: u8) {
        panic!("ESC {byte:#x}");
    }
    fn osc_dispatch(&mut self, params: &[&[u8]], _: bool) {
        panic!("OSC {params:?}");
    }
    fn hook(&mut self, _: &vte::Params, _: &[u8], _: bool, action: char) {
        panic!("DCS {action}");
    }
}

fn assert_harmless(text: &str) {
    let mut parser = vte::Parser::new();
    parser.advance(&mut PrintOnly, text.as_bytes());
    // Ends what may still be open, so that a half sequence cannot pass.
    let unfinished = text.chars().any(char::is_control);
    assert!(!unfinished, "{text:?}");
    for character in text.chars() {
        let hides = matches!(
            u32::from(character),
            0xAD | 0x61C | 0x180B..=0x180F | 0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x206F | 0xFE00..=0xFE0F | 0xFEFF
            | 0xE000..=0xF8FF | 0xFFF0..=0xFFFB | 0xE0000..=0xE0FFF | 0xF0000..=0x10_FFFF
        );
        assert!(!hides, "{character:?} in {text:?}");
    }
}

/// What holds for every text that was made safe.
fn assert_safe(safe: &SafeText<'_>) {
    let text = safe.as_screen_str();
    assert_harmless(text);
    assert_harmless(&safe.to_plain());
    let joined: String = safe.segments().map(|segment| segment.text).collect();
    assert_eq!(joined, text);
    assert!(safe.segments().all(|segment| !segment.text.is_empty()));
    assert_eq!(safe.width(), cell_columns(text), "segments and the whole agree on the width of {text:?}");
    for cluster in text.graphemes(true) {
        let marks = cluster.chars().skip(1).filter(|mark| cell_columns(&mark.to_string()) == 0).count();
        assert!(marks <= 4 && (1..=4).contains(&cluster.width()), "{cluster:?}");
    }
}

/// Columns as ratatui fills its cells.
fn cell_columns(text: &str) -> usize {
    text.graphemes(true).map(UnicodeWidthStr::width).sum()
}

#[test]
fn clean_text_is_borrowed_in_both_forms() {
    for clean in [
        "",
        "CPU > 90 % on web01 <b>",
        "Störung in Zürich",
        "Ελλάδα",
        "日本語\u{3000}障害",
        "e\u{301}te\u{301}",
        "नमस्ते",
        "한국",
        "🔥",
    ] {
        let safe = SafeText::new(clean);
        assert!(matches!(safe.text, Cow::Borrowed(_)), "{clean}");
        assert!(matches!(safe.to_plain(), Cow::Borrowed(_)), "{clean}");
        assert!(!safe.is_marked());
        assert_eq!(screen(clean), clean);
    }
}

#[test]
fn every_c0_and_c1_control_is_shown_and_marked() {
    for code in (0..0x20).chain(0x7F..0xA0) {
        let data = format!("a{}b", char::from_u32(code).unwrap());
        let safe = SafeText::new(&data);
        assert_safe(&safe);
        let kinds: Vec<_> = safe.segments().map(|segment| segment.kind).collect();
        assert_eq!(kinds, [SegmentKind::Data, SegmentKind::Escape, SegmentKind::Data], "{code:#x}");
        assert_eq!(source_of(&safe.to_plain()), data.as_bytes());
    }
}

#[test]
fn escapes_have_the_documented_forms() {
    for (data, on_screen, in_pipe) in [
        ("\x1b[2J", "^[[2J", "<^[>[2J"),
        ("\0\x7f", "^@^?", "<^@><^?>"),
        ("\u{9b}2J", "M-^[2J", "<M-^[>2J"),
        ("a\r\n\tb", "a\\r\\n\\tb", "a<\\r><\\n><\\t>b"),
        ("x\u{202e}y", "x<U+202E>y", "x<U+202E>y"),
        ("\u{e0041}", "<U+E0041>", "<U+E0041>"),
        ("so\u{ad}ft\u{2028}", "so<U+00AD>ft<U+2028>", "so<U+00AD>ft<U+2028>"),
        ("a\u{a0}b", "a<U+00A0>b", "a<U+00A0>b"),
        ("\u{1F468}\u{200D}\u{1F469}", "\u{1F468}<U+200D>\u{1F469}", "\u{1F468}<U+200D>\u{1F469}"),
        ("\u{1F1E9}\u{1F1EA}", "<U+1F1E9><U+1F1EA>", "<U+1F1E9><U+1F1EA>"),
        ("\u{2764}\u{FE0F}", "\u{2764}<U+FE0F>", "\u{2764}<U+FE0F>"),
    ] {
        assert_eq!(screen(data), on_screen, "{data:?}");
        assert_eq!(plain(data.as_bytes()), in_pipe, "{data:?}");
    }
    assert_eq!(plain(b"a\x9b2J\xff"), "a<\\x9B>2J<\\xFF>");
    assert_eq!(SafeText::from_bytes(b"\xe2\x80").as_screen_str(), "\\xE2\\x80");
}

#[test]
fn literal_lookalike_of_an_escape_is_told_apart() {
    let fake = SafeText::new("<U+202E>");
    assert!(fake.segments().all(|segment| segment.kind == SegmentKind::Data));
    assert_eq!(fake.to_plain(), "<U+003C>U+202E>");
    assert_eq!(plain(b"<^[> <\\n> <M-^[> < <b>"), "<U+003C>^[> <U+003C>\\n> <U+003C>M-^[> < <b>");
    assert_eq!(plain(b"<\x1b"), "<<^[>");
}

#[test]
fn combining_mark_needs_a_base_of_its_own() {
    assert_eq!(screen("\u{301}a"), "<U+0301>a");
    assert_eq!(screen("\x1b\u{301}"), "^[<U+0301>");
    assert_eq!(screen("a\u{301}\u{302}\u{303}\u{304}"), "a\u{301}\u{302}\u{303}\u{304}");
    assert_eq!(screen("a\u{301}\u{302}\u{303}\u{304}\u{305}b"), "a<U+0301><U+0302><U+0303><U+0304><U+0305>b");
    assert_eq!(screen("a\u{1161}"), "a<U+1161>", "a Hangul vowel that no consonant carries has no width");
}

#[test]
fn hostile_sequences_come_out_as_print_only() {
    let hostile = [
        "\x1b]52;c;cm0gLXJmIC8=\x07",
        "\x1bP+q544e\x1b\\",
        "\x1b[6n",
        "\x1b]0;title\x1b\\",
        "\u{90}q\u{9c}",
        "\x1b_x\x1b\\",
        "\x1b[?1049l\x1b[2J",
        "a\x08\x08b",
        "\u{feff}bom",
        "\u{2066}x\u{2069}",
        "\u{200b}\u{200c}\u{200d}",
        "\u{fff9}\u{fffc}",
        "\u{e000}\u{10ffff}\u{fdd0}",
        "\u{378}",
        "\u{3164}\u{115f}\u{2800}",
        "\u{1d173}",
        "\u{1F44D}\u{1F3FD}",
    ];
    for data in hostile {
        let safe = SafeText::new(data);
        assert_safe(&safe);
        assert!(safe.is_marked(), "{data:?}");
        assert_eq!(source_of(&safe.to_plain()), data.as_bytes());
    }
}

#[test]
fn megabyte_line_is_made_safe_whole_or_clipped_in_passing() {
    // The rich ones are shorter, since an unoptimised build is slow at them.
    let units = [("x", 20), ("\x1b", 20), ("e\u{301}\u{302}\u{303}\u{304}\u{305}", 17), ("क्", 17), ("\u{202e}a", 17)];
    for (unit, bits) in units {
        let data = unit.repeat((1 << bits) / unit.len());
        let whole = SafeText::new(&data);
        assert_harmless(whole.as_screen_str());
        let cell = SafeText::clipped(&data, 40, Ellipsis::Ascii);
        assert_eq!(cell, whole.truncate(40, Ellipsis::Ascii).into_owned());
        assert!(cell.width() <= 40);
    }
}

#[test]
fn body_is_split_before_it_is_made_safe() {
    let lines: Vec<_> = SafeText::lines("a\tb\r\n\n  \x1b]0;x\n").map(|line| line.as_screen_str().to_owned()).collect();
    assert_eq!(lines, ["a   b\\r", "", "  ^[]0;x"]);
    let lines: Vec<_> =
        SafeText::lines_from_bytes(b"\xff\n\tz\n").map(|line| line.as_screen_str().to_owned()).collect();
    assert_eq!(lines, ["\\xFF", "    z"]);
    assert_eq!(SafeText::lines_from_bytes(b"").count(), SafeText::lines("").count());
    assert_eq!(SafeText::lines_from_bytes(b"a\n\n").count(), SafeText::lines("a\n\n").count());
}

#[test]
fn truncate_never_leaves_half_an_escape() {
    let cut = |columns| SafeText::new("ab\u{202e}cd").truncate(columns, Ellipsis::Unicode).as_screen_str().to_owned();
    assert_eq!(cut(0), "");
    assert_eq!(cut(1), "\u{2026}");
    assert_eq!(cut(9), "ab\u{2026}");
    assert_eq!(cut(11), "ab<U+202E>\u{2026}");
    assert_eq!(cut(12), "ab<U+202E>cd");
    let wide = SafeText::new("日本語").fit(4, Ellipsis::Ascii);
    assert_eq!(wide.as_screen_str(), "日~ ");
}

#[test]
fn ellipsis_is_not_data() {
    let cut = SafeText::new("abc").truncate(2, Ellipsis::Ascii);
    assert_eq!(cut.segments().last().unwrap().kind, SegmentKind::Escape);
    assert_eq!(cut.to_plain(), "a~");
}

#[test]
fn wrap_fills_rows_by_columns() {
    let rows = |data: &str, columns| -> Vec<String> {
        SafeText::new(data).wrap(columns).iter().map(|row| row.as_screen_str().to_owned()).collect()
    };
    assert_eq!(rows("abcdef", 4), ["abcd", "ef"]);
    assert_eq!(rows("日本語", 5), ["日本", "語"]);
    assert_eq!(rows("日x", 1), ["~", "x"]);
    assert_eq!(rows("a\u{202e}b", 8), ["a", "<U+202E>", "b"]);
    assert_eq!(rows("\u{202e}", 3), ["<U+", "202", "E>"]);
    assert!(rows("abc", 0).is_empty() && rows("", 5).is_empty());
}

#[test]
fn spans_carry_the_kind_as_style() {
    use ratatui::style::Style;
    let (data, escape) = (Style::new(), Style::new().reversed());
    let safe = SafeText::new("a\x1bb");
    let spans = to_spans(&safe, data, escape);
    let seen: Vec<_> = spans.iter().map(|span| (span.content.as_ref(), span.style)).collect();
    assert_eq!(seen, [("a", data), ("^[", escape), ("b", data)]);
    assert_eq!(to_spans_owned(&safe, data, escape), spans);
    assert_eq!(label("Tokens", data).content, "Tokens");
}

/// Text that is rich in what hides, joins and imitates.
fn hostile_text() -> impl Strategy<Value = String> {
    let rich = prop_oneof![
        4 => any::<char>(),
        2 => proptest::char::range('\0', '\u{ff}'),
        2 => proptest::sample::select("<U+^\\M->x[]".chars().collect::<Vec<_>>()),
        2 => proptest::char::range('\u{300}', '\u{36f}'),
        1 => proptest::char::range('\u{900}', '\u{dff}'),
        1 => proptest::char::range('\u{1100}', '\u{11ff}'),
        1 => proptest::char::range('\u{2000}', '\u{206f}'),
        1 => proptest::char::range('\u{1f1e6}', '\u{1f6ff}'),
        1 => proptest::char::range('\u{e0000}', '\u{e01ef}'),
        1 => proptest::char::range('\u{600}', '\u{6ff}'),
    ];
    proptest::collection::vec(rich, 0..60).prop_map(String::from_iter)
}

proptest! {
    #[test]
    fn any_text_is_safe_and_the_screen_form_is_idempotent(data in hostile_text()) {
        let safe = SafeText::new(&data);
        assert_safe(&safe);
        let again = SafeText::new(safe.as_screen_str());
        prop_assert!(matches!(again.text, Cow::Borrowed(_)));
    }

    #[test]
    fn plain_text_has_one_source(data in hostile_text()) {
        prop_assert_eq!(source_of(&plain(data.as_bytes())), data.as_bytes());
    }

    #[test]
    fn any_bytes_are_safe_and_have_one_source(data in proptest::collection::vec(any::<u8>(), 0..200)) {
        assert_safe(&SafeText::from_bytes(&data));
        prop_assert_eq!(source_of(&plain(&data)), data.clone());
        SafeText::lines_from_bytes(&data).for_each(|line| assert_safe(&line));
    }

    #[test]
    fn cutting_filling_and_wrapping_keep_to_the_columns(data in hostile_text(), columns in 0usize..30) {
        let safe = SafeText::new(&data);
        let cut = safe.clone().truncate(columns, Ellipsis::Ascii);
        prop_assert!(cut.width() <= columns);
        prop_assert_eq!(safe.clone().fit(columns, Ellipsis::Unicode).width(), columns);
        let clipped = SafeText::clipped(&data, columns, Ellipsis::Ascii);
        prop_assert_eq!(clipped.as_screen_str(), cut.as_screen_str());
        for row in safe.wrap(columns) {
            prop_assert!(row.width() <= columns && row.width() > 0);
            assert_harmless(row.as_screen_str());
        }
    }
}
