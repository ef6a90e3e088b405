//! `tollgate log replay`: a logged call through today's registry, and with `--for-real` through the listen address.

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper::header::{AUTHORIZATION, HOST, HeaderName, HeaderValue};
use tollgate_shared::api::ReplayVerdict;
use tollgate_shared::api::trying::Verdict;
use tollgate_shared::log::LogRow;
use zeroize::Zeroizing;

use super::args::LogReplay;
use super::context::{Context, Done};
use super::exit::{CliError, Exit};
use super::log::outcome_words;
use super::what_if::{doubt_words, fate_words, verdict_word};
use super::{call_file, send, verdict};

/// Headers of the connection and of the credential: they are made anew.
const NOT_SENT: [&str; 9] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "content-encoding",
    "expect",
    "accept-encoding",
    "authorization",
    "cookie",
];

pub(super) async fn run(cx: &mut Context<'_>, args: LogReplay) -> Done {
    let replayed = cx.client.replay(args.seq).await?;
    if args.for_real {
        return for_real(cx, args, &replayed).await;
    }
    let when = cx.when();
    let at = when.full(replayed.at);
    cx.object(&replayed, |replayed| lines(replayed, &at))?;
    let same = matches!(replayed.verdict, Verdict::Unchanged | Verdict::Gained);
    Ok(if same { Exit::Ok } else { Exit::Attention })
}

fn lines(replayed: &ReplayVerdict, at: &str) -> Vec<String> {
    let then = format!("{}, {}", outcome_words(replayed.then_outcome), fate_words(&replayed.then));
    let now = replayed.doubt.map_or_else(
        || fate_words(&replayed.now),
        |doubt| format!("cannot tell: {}; perhaps {}", doubt_words(doubt), fate_words(&replayed.now)),
    );
    let mut lines = vec![
        format!("{}  call {} of {} at {at}", verdict_word(replayed.verdict), replayed.seq, replayed.token.name),
        format!("  then  {then}"),
        format!("  now   {now}"),
    ];
    for effect in replayed.now.effects.iter().filter(|effect| !effect.filter.name.is_empty()) {
        let key = effect.key.as_ref().map(|key| format!("  key {key}")).unwrap_or_default();
        let title = effect.title.as_ref().map(|title| format!("  \"{title}\"")).unwrap_or_default();
        lines.push(format!("        {} > {}{key}{title}", effect.service.name, effect.filter.name));
    }
    lines.extend(replayed.not_sendable.iter().map(|why| format!("  it cannot be sent for real: {why}")));
    // A call that names its workflow is asked nothing else.
    let is_named = replayed.explain.matched.is_empty() && replayed.now.effects.iter().any(|one| one.phase == "start");
    if replayed.now.refused.is_none() && !is_named {
        lines.extend(verdict::lines(&replayed.explain));
    }
    lines
}

async fn for_real(cx: &mut Context<'_>, args: LogReplay, replayed: &ReplayVerdict) -> Done {
    if let Some(why) = &replayed.not_sendable {
        let what = format!("the call of row {} cannot be sent again: {why}", args.seq);
        return Err(CliError::input(what, "send the original from its sender, or a file with `tollgate send`"));
    }
    let row = cx.client.log_row(args.seq).await?;
    let address = send::address(args.gate.as_deref(), Some(&cx.status.listen))?;
    let target = target_of(&row);
    announce(cx, replayed, &row, &address, &target);
    let reads_input = args.token_file.as_ref().is_some_and(|file| file.as_os_str() == "-");
    let line = format!("{} log replay {} --for-real --token-file FILE --yes", cx.tollgate(), args.seq);
    if reads_input && !cx.yes {
        return Err(CliError::usage("standard input cannot be both the token and the answer", format!("use:  {line}")));
    }
    cx.confirm_yes("send it?", &line)?;
    let secret = secret(cx, &args, &line)?;
    let request = request(&row, &address, &target, &secret)?;
    let answer = send::delivered(&address, request).await?;
    send::report(cx.io, &answer, cx.format, false)
}

/// What will be done, before it is asked whether it shall be.
fn announce(cx: &mut Context<'_>, replayed: &ReplayVerdict, row: &LogRow, address: &str, target: &str) {
    let kind = row.content_type.as_deref().unwrap_or("no content type");
    cx.io.note(&format!("this sends a real call: POST http://{address}{target}, {} bytes, {kind}", row.body.len()));
    cx.io.note("  with the token that you give: it decides what is reached, and its counters and log count the call");
    cx.io.note(&format!("  with the token of the row it would come to: {}", fate_words(&replayed.now)));
    cx.io.note("  it can open, attach to or resolve incidents; a repeat within the token's window is a duplicate");
}

fn secret(cx: &mut Context<'_>, args: &LogReplay, line: &str) -> Result<Zeroizing<String>, CliError> {
    if let Some(file) = &args.token_file {
        return call_file::read_text(cx.io, file).map(Zeroizing::new);
    }
    if !cx.io.in_is_tty {
        return Err(CliError::usage("there is no terminal to ask for the token on", format!("use:  {line}")));
    }
    let typed = cx.io.ask_hidden("the token's secret (not shown):")?;
    typed.ok_or_else(|| CliError::failure("no token was given", "nothing was sent"))
}

/// The path with its query, without the credentials that were cut out of it.
fn target_of(row: &LogRow) -> String {
    let is_credential = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default();
        name.eq_ignore_ascii_case("token") || name.eq_ignore_ascii_case("access_token")
    };
    let pairs: Vec<&str> = row.query.split('&').filter(|pair| !pair.is_empty() && !is_credential(pair)).collect();
    if pairs.is_empty() { row.path.clone() } else { format!("{}?{}", row.path, pairs.join("&")) }
}

fn request(row: &LogRow, address: &str, target: &str, secret: &str) -> Result<Request<Full<Bytes>>, CliError> {
    let unfit = || CliError::input("the row cannot be made a request again", "send a file with `tollgate send`");
    let builder = Request::post(target).header(HOST, address);
    let mut request = builder.body(Full::new(Bytes::from(row.body.clone()))).map_err(|_| unfit())?;
    for (name, value) in row.headers.iter().filter(|(name, _)| !NOT_SENT.contains(&name.as_str())) {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unfit())?;
        request.headers_mut().append(name, HeaderValue::from_str(value).map_err(|_| unfit())?);
    }
    request.headers_mut().insert(AUTHORIZATION, send::authorization(secret)?);
    Ok(request)
}
