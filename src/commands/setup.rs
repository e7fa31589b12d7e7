//! `twofold setup`

use std::process::ExitCode;

use anyhow::Context;
use serde_json::Value;
use twofold_serving::index::ElasticIndex;
use twofold_serving::index::elastic::{Endpoint, Login};
use twofold_serving::kibana::{Format, saved_objects};

use super::configured;
use crate::cli::Setup;
use crate::config::{Config, Layers, Target};
use crate::output;
use crate::place::Place;

/// Makes the archive's bucket, installs templates and dashboards. Safe to repeat.
pub fn run(arguments: &Setup, layers: Layers) -> anyhow::Result<ExitCode> {
    let config = configured(layers, &arguments.data)?;
    let bucket = Place::make_bucket(&config)?;
    if let Some(bucket) = &bucket {
        output::text(&format!("the bucket `{bucket}` is there\n"))?;
    }
    if config.index.target()? == Target::Engine {
        prepare_engine(&config, arguments.kibana.as_deref())?;
        return Ok(ExitCode::SUCCESS);
    }
    anyhow::ensure!(
        bucket.is_some() && arguments.kibana.is_none(),
        "only Elasticsearch, OpenSearch and S3 need a setup; name yours with --index http://HOST:9200 or \
         --archive s3://BUCKET/PREFIX"
    );
    Ok(ExitCode::SUCCESS)
}

fn prepare_engine(config: &Config, kibana: Option<&str>) -> anyhow::Result<()> {
    let endpoint = config.index.endpoint()?;
    let prefix = &config.index.prefix;
    let index = ElasticIndex::open(&endpoint, prefix)
        .with_context(|| format!("cannot open the index {endpoint:?}"))?;
    index.install()?;
    output::text(&format!("templates and the alias `{prefix}` are installed\n"))?;
    let Some(kibana) = kibana else { return Ok(()) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let shown = runtime.block_on(Kibana::new(kibana, &endpoint)?.import(prefix))?;
    output::text(&format!("dashboards are installed: {shown}\n"))
}

/// Kibana or OpenSearch Dashboards, asked with the index's credentials.
struct Kibana {
    url: String,
    login: Login,
    client: reqwest::Client,
}

impl Kibana {
    fn new(url: &str, endpoint: &Endpoint) -> anyhow::Result<Self> {
        let mut client = reqwest::Client::builder().timeout(endpoint.timeout);
        if let Some(path) = &endpoint.ca {
            let pem = std::fs::read(path).with_context(|| format!("{}", path.display()))?;
            client = client.add_root_certificate(reqwest::Certificate::from_pem(&pem)?);
        }
        let url = url.trim_end_matches('/').to_owned();
        Ok(Self { url, login: endpoint.login.clone(), client: client.build()? })
    }

    /// Imports what the server can read, and says what that was.
    async fn import(&self, alias: &str) -> anyhow::Result<String> {
        let status = self.answer(self.request(reqwest::Method::GET, "api/status")).await?;
        let version = status.pointer("/version/number").and_then(Value::as_str).unwrap_or_default();
        let mut shown = Vec::new();
        for format in formats(version) {
            let objects = saved_objects(format, alias);
            let request =
                self.request(reqwest::Method::POST, "api/saved_objects/_import?overwrite=true");
            let (kind, body) = multipart(format.file(), &objects);
            let request = request.header("content-type", kind).body(body);
            let answer = self.answer(request).await?;
            anyhow::ensure!(
                answer.get("success") == Some(&Value::Bool(true)),
                "{} does not take {}: {}",
                self.url,
                format.file(),
                answer.get("errors").unwrap_or(&answer)
            );
            let id = match format {
                Format::Classic => "twofold-dashboard",
                Format::Lens => "twofold-lens-dashboard",
            };
            shown.push(format!("{}/app/dashboards#/view/{id}", self.url));
        }
        Ok(shown.join(", "))
    }

    fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        // Each server wants its own header against forged requests, and ignores the other's.
        let request = self
            .client
            .request(method, format!("{}/{path}", self.url))
            .header("kbn-xsrf", "twofold")
            .header("osd-xsrf", "twofold");
        match &self.login {
            Login::Nobody => request,
            Login::Basic(user, password) => request.basic_auth(user, Some(password)),
            Login::ApiKey(key) => request.header("authorization", format!("ApiKey {key}")),
        }
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
        let response = request.send().await.map_err(|error| {
            anyhow::anyhow!("{} does not answer: {}", self.url, root_cause(&error))
        })?;
        let status = response.status();
        let text = response.text().await?;
        let body: Value = serde_json::from_str(&text).unwrap_or_default();
        anyhow::ensure!(
            status.is_success(),
            "{} says {status}: {}",
            self.url,
            body.get("message").and_then(Value::as_str).unwrap_or("no reason")
        );
        Ok(body)
    }
}

fn root_cause(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => root_cause(source),
        None => error.to_string(),
    }
}

/// Lens is Kibana's alone, from 7.17 on; OpenSearch Dashboards counts from 1 again.
fn formats(version: &str) -> Vec<Format> {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let version = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    if version >= (7, 17) { Format::ALL.to_vec() } else { vec![Format::Classic] }
}

/// A form with one file, as the import wants it.
fn multipart(name: &str, content: &str) -> (String, String) {
    let boundary = "twofold-saved-objects-8f6b1c";
    let body = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: application/ndjson\r\n\r\n{content}\r\n--{boundary}--\r\n"
    );
    (format!("multipart/form-data; boundary={boundary}"), body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lens_goes_to_those_who_have_it() {
        assert_eq!(formats("7.10.2"), [Format::Classic]);
        assert_eq!(formats("2.19.1"), [Format::Classic]);
        assert_eq!(formats("7.17.6"), Format::ALL);
        assert_eq!(formats("8.19.0"), Format::ALL);
        assert_eq!(formats(""), [Format::Classic]);
    }
}
