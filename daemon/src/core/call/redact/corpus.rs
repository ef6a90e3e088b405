//! Two hundred places where a secret may stand in a call. None of them survives.

use super::tests::{SEED, call, redacted, whole};
use super::*;

/// Where a secret may stand; `@` is the secret.
const PLACES: &[&str] = &[
    // Members of JSON.
    "{'password':'@'}",
    "{'PASSWORD':'@'}",
    "{'db_password':'@'}",
    "{'dbPassword':'@'}",
    "{'db-password':'@'}",
    "{'passwd':'@'}",
    "{'passphrase':'@'}",
    "{'secret':'@'}",
    "{'client_secret':'@'}",
    "{'clientSecret':'@'}",
    "{'token':'@'}",
    "{'access_token':'@'}",
    "{'refresh_token':'@'}",
    "{'id-token':'@'}",
    "{'api_key':'@'}",
    "{'apikey':'@'}",
    "{'api-key':'@'}",
    "{'X-Api-Key':'@'}",
    "{'routing_key':'@'}",
    "{'integration_key':'@'}",
    "{'service_key':'@'}",
    "{'authorization':'Bearer @'}",
    "{'auth':'@'}",
    "{'cookie':'sid=@'}",
    "{'credentials':{'user':'a','key':'@'}}",
    "{'credential':['@']}",
    "{'private_key':'@'}",
    "{'access_key':'@'}",
    "{'aws_secret_access_key':'@'}",
    "{'session_id':'@'}",
    "{'jwt':'@'}",
    "{'connectionString':'Server=x;Pwd=@'}",
    "{'a':[[{'b':{'secret':{'c':'@'}}}]]}",
    "{'env':[{'name':'DB_PASSWORD','value':'@'}]}",
    "[{'tag':'password','value':'@'}]",
    "{'token':['a','@']}",
    "{'secrets':{'x':'@'}}",
    // Text inside a string of JSON.
    "{'message':'login with password=@ failed'}",
    "{'message':'Authorization: Bearer @'}",
    "{'event_tags_json':'[{\\'password\\':\\'@\\'}]'}",
    "{'url':'https://user:@@example.com/x'}",
    "{'cmd':'curl -H \\'Authorization: Token @\\' x'}",
    "{'url':'https://x/?a=1&token=@&b=2'}",
    // Broken JSON.
    "{'password':'@'",
    "{'password': '@', oops}",
    "{'password' : '@',}",
    "{'a':1,'token':'@",
    "{'secret':\n  '@', x}",
    "{'token':['x','@'",
    "{'password':@}",
    // Running text.
    "password=@",
    "password = @",
    "password: @",
    "password:@",
    "password => @",
    "password := @",
    "Password=\"a @ b\"",
    "password='@'",
    "PGPASSWORD=@ psql",
    "export API_KEY=@",
    "spring.datasource.password=@",
    "api-key: @",
    "Authorization: Bearer @",
    "authorization: Basic @",
    "Authorization: Digest username=\"x\", response=\"@\"",
    "Proxy-Authorization: @",
    "Cookie: a=b; sid=@",
    "Set-Cookie: sid=@; Path=/",
    "X-Auth-Token: @",
    "sent Bearer @ to x",
    "GenieKey @",
    "mysql --password @ -h x",
    "tool --api-key=@",
    "tool --token '@'",
    "postgres://app:@@db:5432/x",
    "redis://:@@cache",
    "https://user:a/@@host/x",
    "amqp://user:a@@@host",
    "jdbc:x://h/d?user=a&password=@",
    "Server=x;Pwd=@;Timeout=5",
    "token=@&x=1",
    "x=1&access_token=@",
    "<password>@</password>",
    "<ns:secret type='x'>@</ns:secret>",
    "<Token>\n @ \n</Token>",
    "-----BEGIN RSA PRIVATE KEY-----\n@\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\nab@",
    "password=a,b,@",
    "secret='@",
    "\u{e9}password=@",
    "kennwort_token:\t@",
    "[password=@]",
    "(token: @)",
];

/// Whole calls as products send them; `%S%` is the secret.
const BODIES: &[&str] = &[
    // Alertmanager, Grafana, Prometheus.
    r#"{"receiver":"x","status":"firing","alerts":[{"labels":{"alertname":"Down"},"annotations":{"runbook":"https://ops:%S%@wiki/x"}}]}"#,
    r#"{"alerts":[{"labels":{"alertname":"A","api_key":"%S%"},"annotations":{}}],"version":"4"}"#,
    r#"{"alerts":[{"generatorURL":"http://prom/graph?g0.expr=up&access_token=%S%"}]}"#,
    r#"{"commonAnnotations":{"description":"curl failed: Authorization: Bearer %S%"},"alerts":[]}"#,
    r#"{"title":"[Alerting]","message":"db login failed for app, password=%S%","state":"alerting"}"#,
    r#"{"evalMatches":[],"dashboardURL":"https://grafana/d/x?auth_token=%S%","ruleName":"r"}"#,
    r#"{"alerts":[{"annotations":{"cmd":"kubectl --token %S% get pods"}}]}"#,
    r#"{"externalURL":"http://admin:%S%@am:9093","groupKey":"{}:{}"}"#,
    // Zabbix and Nagios.
    r#"{"event_id":"1","host":"db1","item_value":"PGPASSWORD=%S% psql failed"}"#,
    r#"{"event_tags_json":"[{\"tag\":\"snmp_passphrase\",\"value\":\"%S%\"}]"}"#,
    r#"{"macros":{"{$MYSQL.PASSWORD}":"%S%"}}"#,
    r#"{"tags":[{"tag":"api-key","value":"%S%"},{"tag":"scope","value":"db"}]}"#,
    "NOTIFICATIONTYPE=PROBLEM\nSERVICEOUTPUT=check_mysql --password %S% failed\nHOSTNAME=db1",
    "***** Nagios *****\n\nAdditional Info:\n\nlogin refused, password: %S%",
    "check_http -H web01 -a --authorization=admin:%S%",
    // Kubernetes, Docker, CI.
    r#"{"kind":"Pod","spec":{"containers":[{"env":[{"name":"API_TOKEN","value":"%S%"}]}]}}"#,
    r#"{"kind":"Secret","data":{"password":"%S%"},"type":"Opaque"}"#,
    r#"{"kind":"Secret","stringData":{"private-key":"%S%"}}"#,
    r#"{"Config":{"Env":["POSTGRES_PASSWORD=%S%","LANG=C"]}}"#,
    r#"{"auths":{"registry.lan":{"auth":"%S%"}}}"#,
    r#"{"variables":[{"key":"DEPLOY_TOKEN","value":"%S%","masked":true}]}"#,
    r#"{"object_kind":"pipeline","builds":[{"failure":"fatal: https://oauth2:%S%@git.lan/x.git"}]}"#,
    r#"{"repository":{"clone_url":"https://x-access-token:%S%@github.com/a/b.git"}}"#,
    r#"{"build":{"log":"docker login -u ci --password %S% registry.lan"}}"#,
    r#"{"step":"helm upgrade --set db.password=%S% x"}"#,
    r#"{"env":{"AWS_SECRET_ACCESS_KEY":"%S%","AWS_REGION":"eu"}}"#,
    r#"{"log":"npm ERR! //registry.npmjs.org/:_authToken=%S%"}"#,
    // Clouds and pagers.
    r#"{"routing_key":"%S%","event_action":"trigger","payload":{"summary":"s"}}"#,
    r#"{"service_key":"%S%","event_type":"trigger","description":"d"}"#,
    r#"{"integration_key":"%S%","incident":{"title":"t"}}"#,
    r#"{"incident":{"webhook_secret":"%S%","title":"t"}}"#,
    r#"{"Type":"Notification","Message":"{\"AlarmName\":\"x\",\"apiKey\":\"%S%\"}"}"#,
    r#"{"Records":[{"userIdentity":{"sessionToken":"%S%"}}]}"#,
    r#"{"detail":{"requestParameters":{"masterUserPassword":"%S%"}}}"#,
    r#"{"data":{"context":{"storageAccountKey":"%S%"}}}"#,
    r#"{"connectionString":"DefaultEndpointsProtocol=https;AccountName=a;AccountKey=%S%;EndpointSuffix=x"}"#,
    r#"{"ConnectionStrings":{"Default_ConnectionString":"%S%"}}"#,
    r#"{"incident":{"policy_name":"p","credentials":{"basic":{"username":"u","password":"%S%"}}}}"#,
    r#"{"text":"Bearer %S% was rejected","channel":"ops"}"#,
    r#"{"slack":{"bot_token":"%S%"}}"#,
    r#"{"jira":{"apiToken":"%S%","issue":"OPS-1"}}"#,
    r#"{"opsgenie":{"header":"GenieKey %S%"}}"#,
    r#"{"datadog":{"DD_API_KEY":"%S%"}}"#,
    r#"{"newrelic":{"license_key":"%S%"}}"#,
    r#"{"sentry":{"dsn":"https://public:%S%@sentry.lan/1"}}"#,
    r#"{"twilio":{"AuthToken":"%S%"}}"#,
    r#"{"stripe":{"signing_secret":"%S%"}}"#,
    r#"{"vault":{"client_token":"%S%","lease":60}}"#,
    r#"{"oauth":{"refresh_token":"%S%","expires_in":60}}"#,
    r#"{"oauth":{"client_secret":["old","%S%"]}}"#,
    r#"{"login":{"user":"x","pwd":"%S%"}}"#,
    r#"{"ldap":{"bindDn":"cn=x","bindPasswd":"%S%"}}"#,
    r#"{"wifi":{"ssid":"x","passphrase":"%S%"}}"#,
    r#"{"session":{"session_id":"%S%"}}"#,
    r#"{"request":{"headers":{"Cookie":"sid=%S%"}}}"#,
    r#"{"request":{"headers":[{"name":"Authorization","value":"%S%"}]}}"#,
    r#"{"request":{"headers":{"x-amz-security-token":"%S%"}}}"#,
    r#"{"request":{"raw":"GET / HTTP/1.1\r\nAuthorization: Digest response=\"%S%\"\r\nHost: x"}}"#,
    r#"{"request":{"raw":"GET / HTTP/1.1\r\nCookie: a=b; sid=%S%\r\nHost: x"}}"#,
    r#"{"keys":{"encryption-key":"%S%"}}"#,
    r#"{"keys":{"sharedKey":{"value":{"hex":"%S%"}}}}"#,
    r#"{"key":"-----BEGIN EC PRIVATE KEY-----\n%S%\n-----END EC PRIVATE KEY-----\n"}"#,
    r#"{"pgp":"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n%S%\n-----END PGP PRIVATE KEY BLOCK-----"}"#,
    r#"[{"a":1},{"b":[[{"secrets":{"c":["%S%"]}}]]}]"#,
    r#"{"deep":{"deep":{"deep":{"deep":{"deep":{"deep":{"deep":{"password":{"p":"%S%"}}}}}}}}}"#,
    r#"{"jwt":"%S%"}"#,
    r#"{"credentials":["%S%"]}"#,
    r#"{"note":"mongodb+srv://app:%S%@cluster0.lan/db"}"#,
    r#"{"note":"ftp://backup:%S%@nas.lan/"}"#,
    r#"{"note":"smtp://mailer:%S%@mx:587"}"#,
    r#"{"yaml":"db:\n  user: x\n  password: %S%\n  port: 1"}"#,
    r#"{"ini":"[client]\nuser=x\npassword=%S%\n"}"#,
    r#"{"xml":"<cfg><apiKey>%S%</apiKey></cfg>"}"#,
    r#"{"shell":"export CLIENT_SECRET='%S%'; run"}"#,
    r#"{"properties":"spring.datasource.password = %S%"}"#,
    r#"{"toml":"token = \"%S%\""}"#,
    // Forms.
    "user=x&password=%S%&submit=1",
    "grant_type=password&client_secret=%S%",
    "payload=%7B%7D&token=%S%",
    "From=%2B41&Body=alarm&AuthToken=%S%",
    "api_key=%S%;host=web01",
    // Text and mail.
    "Jan 1 00:00:00 web01 sshd[1]: password=%S% rejected",
    "level=error msg=\"login\" client_secret=%S% host=a",
    "2026-11-22T00:00:00Z ERROR token: %S%",
    "Subject: alarm\nX-Auth-Token: %S%\n\nbody",
    "curl -u admin -H \"X-Api-Key: %S%\" https://x",
    "wget --http-password %S% https://x",
    "redis-cli -u redis://default:%S%@cache:6379",
    "rsync --password-file x; RSYNC_PASSWORD=%S% rsync",
    "<soap:Header><wsse:Password Type='x'>%S%</wsse:Password></soap:Header>",
    "<?xml version='1.0'?><a><client-secret>%S%</client-secret></a>",
    "db.password => '%S%'",
    "Password := \"%S%\"",
];

/// Headers; the value is the secret or holds it.
const HEADERS: &[(&str, &str)] = &[
    ("x-api-key", "%S%"),
    ("x-auth-token", "%S%"),
    ("x-gitlab-token", "%S%"),
    ("x-hub-secret", "%S%"),
    ("x-vault-token", "%S%"),
    ("x-amz-security-token", "%S%"),
    ("proxy-authorization", "Basic %S%"),
    ("x-forwarded-authorization", "Bearer %S%"),
    ("set-cookie", "sid=%S%; Path=/"),
    ("x-csrf-token", "%S%"),
    ("x-original-url", "/x?token=%S%&a=1"),
    ("referer", "https://user:%S%@wiki/x"),
    ("x-note", "password=%S%"),
    ("link", "<https://x/?access_token=%S%>; rel=next"),
    ("x-command", "run --api-key %S%"),
    ("api-key", "%S%"),
];

/// Parameters of a query, decoded and raw.
const QUERIES: &[(&str, &str)] = &[
    ("api_key", "%S%"),
    ("apikey", "%S%"),
    ("password", "%S%"),
    ("client_secret", "%S%"),
    ("auth", "%S%"),
    ("session_id", "%S%"),
    ("routing_key", "%S%"),
    ("msg", "login password=%S% failed"),
    ("next", "https://x/?token=%S%"),
    ("url", "https://user:%S%@host/"),
    ("header", "Authorization: Bearer %S%"),
    ("db[password]", "%S%"),
];

fn check(call: &Call, what: &str) {
    let once = redacted(call);
    assert!(!whole(&once).contains(SEED), "{what} became {}", whole(&once));
    assert!(whole(&once).contains(REDACTED), "{what} became {}", whole(&once));
    assert!(redacted(&once) == once, "{what}: {} is not final", once.text);
}

#[test]
fn no_secret_of_the_corpus_survives() {
    let places = PLACES.len() + BODIES.len() + HEADERS.len() + QUERIES.len();
    assert!(places >= 200, "{places}");
    for template in PLACES {
        let body = if template.starts_with(['{', '[']) { template.replace('\'', "\"") } else { (*template).to_owned() };
        let body = seeded(&body);
        check(&call(&body), &body);
    }
    for template in BODIES {
        let body = template.replace("%S%", SEED);
        let is_json = template.starts_with("{\"") || template.starts_with("[{");
        assert_eq!(call(&body).json.is_some(), is_json, "{body}");
        check(&call(&body), &body);
    }
    let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), value.replace("%S%", SEED));
    for header in HEADERS {
        check(&Call { headers: vec![pair(header)], ..call("x") }, header.0);
    }
    for parameter in QUERIES {
        check(&Call { query: vec![pair(parameter)], ..call("x") }, parameter.0);
    }
}

#[test]
fn no_secret_of_a_raw_query_survives_however_it_is_encoded() {
    let redactor = Redactor::default();
    for (name, value) in QUERIES {
        let value = value.replace("%S%", SEED);
        let encoded = utf8_percent_encode(&value, percent_encoding::NON_ALPHANUMERIC).to_string();
        for raw in [format!("a=1&{name}={encoded}&b=2"), format!("{name}={encoded}"), format!("a;{name}={encoded};b")] {
            let kept = redactor.redact_query(&raw);
            assert!(!kept.contains(SEED), "{raw} became {kept}");
            assert!(kept.contains("redacted"), "{raw} became {kept}");
            assert_eq!(redactor.redact_query(&kept), kept, "{raw}");
        }
    }
    for harmless in ["", "a", "from=zabbix&x=%20y", "tokens_used=5"] {
        assert_eq!(redactor.redact_query(harmless), harmless);
    }
}

/// The last `@` but for those of a URL's host is the secret.
fn seeded(template: &str) -> String {
    match template.split_once("@@") {
        Some((before, after)) if after.starts_with('@') => format!("{before}@{SEED}{after}"),
        Some((before, after)) => format!("{before}{SEED}@{after}"),
        None => template.replace('@', SEED),
    }
}
