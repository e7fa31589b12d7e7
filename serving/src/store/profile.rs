//! The profiles of `~/.aws/credentials` and `~/.aws/config`, as the AWS tools write them.
//!
//! Format: <https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>.

use std::collections::BTreeMap;
use std::path::PathBuf;

use object_store::aws::AmazonS3ConfigKey;

use super::StoreError;
use super::s3::Environment;

/// What a profile says; secrets in it are never printed.
#[derive(Default)]
pub struct Profile {
    values: BTreeMap<String, String>,
    named: bool,
}

/// Ways to credentials that only the AWS tools know to go.
const NOT_OURS: [&str; 4] =
    ["sso_session", "sso_start_url", "credential_process", "source_profile"];

impl Profile {
    /// The profile of that name (empty: `AWS_PROFILE`, or `default`); empty where nobody named
    /// one and there is none.
    ///
    /// # Errors
    /// Where a named profile is missing, or gets its credentials in a way that we can't go.
    pub fn find(name: &str, environment: &Environment) -> Result<Self, StoreError> {
        let chosen = environment.get("AWS_PROFILE").map_or("", String::as_str);
        let chosen = if name.is_empty() { chosen } else { name };
        let named = !chosen.is_empty();
        let chosen = if named { chosen } else { "default" };
        let wrong = |reason: String| StoreError::Profile { name: chosen.to_owned(), reason };
        let mut profile = Self { values: BTreeMap::new(), named };
        let mut looked = Vec::new();
        for (variable, file) in
            [("AWS_CONFIG_FILE", "config"), ("AWS_SHARED_CREDENTIALS_FILE", "credentials")]
        {
            let Some(path) = place(environment, variable, file) else { continue };
            match std::fs::read_to_string(&path) {
                Ok(text) => profile.values.extend(section(&text, chosen)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(wrong(format!("{}: {error}", path.display()))),
            }
            looked.push(path.display().to_string());
        }
        if !named {
            return Ok(profile);
        }
        if profile.values.is_empty() {
            return Err(wrong(format!("it is not in {}", looked.join(" or "))));
        }
        match NOT_OURS.iter().find(|key| profile.values.contains_key(**key)) {
            Some(way) if !profile.has_keys() => Err(wrong(format!(
                "twofold can't go its way to credentials (`{way}`); \
                 `eval \"$(aws configure export-credentials --profile {chosen} --format env)\"` puts them \
                 into the environment"
            ))),
            _ => Ok(profile),
        }
    }

    /// Whether somebody asked for it.
    pub fn is_named(&self) -> bool {
        self.named
    }

    /// Whether it has credentials.
    pub fn has_keys(&self) -> bool {
        self.values.contains_key("aws_access_key_id")
    }

    /// What S3's client takes of it.
    pub fn settings(&self) -> impl Iterator<Item = (AmazonS3ConfigKey, &str)> {
        let taken = [
            ("aws_access_key_id", AmazonS3ConfigKey::AccessKeyId),
            ("aws_secret_access_key", AmazonS3ConfigKey::SecretAccessKey),
            ("aws_session_token", AmazonS3ConfigKey::Token),
            ("region", AmazonS3ConfigKey::Region),
            ("endpoint_url", AmazonS3ConfigKey::Endpoint),
        ];
        let value = |(name, key)| Some((key, self.values.get(name)?.as_str()));
        taken.into_iter().filter_map(value)
    }
}

fn place(environment: &Environment, variable: &str, file: &str) -> Option<PathBuf> {
    let named = environment.get(variable).map(PathBuf::from);
    named.or_else(|| Some(PathBuf::from(environment.get("HOME")?).join(".aws").join(file)))
}

/// The keys of `[name]` or `[profile name]`. What is indented belongs to the key above it.
fn section(text: &str, name: &str) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    let mut inside = false;
    for line in text.lines().filter(|line| !line.trim_start().starts_with(['#', ';'])) {
        if let Some(title) = line.trim().strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            let title = title.trim();
            let title = title.strip_prefix("profile ").map_or(title, str::trim);
            inside = title == name;
        } else if inside
            && !line.starts_with(char::is_whitespace)
            && let Some((key, value)) = line.split_once('=')
        {
            values.insert(key.trim().to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "# of the tools
[default]
region = eu-west-1
s3 =
  region = not-this
[profile  audit]
region=us-west-2
role_arn = arn:aws:iam::1:role/x
source_profile = default
";

    fn environment(name: Option<&str>) -> (tempfile::TempDir, BTreeMap<String, String>) {
        let folder = tempfile::tempdir().unwrap();
        let aws = folder.path().join(".aws");
        std::fs::create_dir(&aws).unwrap();
        std::fs::write(aws.join("config"), CONFIG).unwrap();
        std::fs::write(aws.join("credentials"), "[default]\nAWS_Access_Key_Id = a=b\n").unwrap();
        let mut environment: BTreeMap<String, String> =
            [("HOME".to_owned(), folder.path().to_str().unwrap().to_owned())].into();
        environment.extend(name.map(|name| ("AWS_PROFILE".to_owned(), name.to_owned())));
        (folder, environment)
    }

    #[test]
    fn both_files_are_read() {
        let (_folder, environment) = environment(None);
        let profile = Profile::find("", &environment).unwrap();
        assert_eq!(profile.values["region"], "eu-west-1");
        assert_eq!(profile.values["aws_access_key_id"], "a=b");
        assert!(profile.has_keys() && !profile.is_named());
    }

    #[test]
    fn a_named_profile_must_be_of_use() {
        let (_folder, missing) = environment(Some("nobody"));
        let error = Profile::find("", &missing).err().unwrap().to_string();
        assert!(error.contains("`nobody`") && error.contains("credentials"), "{error}");
        let error = Profile::find("audit", &missing).err().unwrap().to_string();
        assert!(
            error.contains("source_profile") && error.contains("export-credentials"),
            "{error}"
        );
        assert!(Profile::find("default", &missing).unwrap().is_named());
        assert!(Profile::find("", &BTreeMap::new()).unwrap().values.is_empty());
    }
}
