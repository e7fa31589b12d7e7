//! One OpenSearch node, without the security plugin.

use std::path::Path;

use super::java::Java;
use super::record::Record;
use super::server::Server;
use super::{elasticsearch, packages, ports};
use crate::run;

/// The runner gives up, without a word, on ports above 9299.
const PORTS: std::ops::Range<u16> = 9201..9300;

/// Configuration of the only node.
pub fn prepare(folder: &Path) -> Result<Record, String> {
    let java = Java::find()?;
    let jars = packages::jars("opensearch", |_| Ok(()))?;
    let port = ports::among(PORTS, 1)?[0];
    let transport = ports::free(1)?[0];
    run::emptied(&folder.join("tmp"))?;
    run::emptied(&folder.join("node_1/config"))?;
    run::write(
        &folder.join("node_1/config/opensearch.yml"),
        &format!(
            "network.host: 127.0.0.1
transport.port: {transport}
action.destructive_requires_name: false
cluster.routing.allocation.disk.threshold_enabled: false
"
        ),
    )?;
    let mut command = java.server(folder);
    command.extend(["-cp".to_owned(), jars.folder.join("*").display().to_string()]);
    command.push("org.codelibs.opensearch.runner.OpenSearchRunner".to_owned());
    command.extend(["-basePath".to_owned(), folder.display().to_string()]);
    // The runner adds the node's number, 1, to the port.
    let base = (port - 1).to_string();
    command.extend(["-numOfNode", "1", "-clusterName", "twofold"].map(str::to_owned));
    command.extend(["-baseHttpPort".to_owned(), base]);
    let url = format!("http://127.0.0.1:{port}");
    Ok(Record {
        server: Server::OpenSearch,
        version: jars.version,
        folder: folder.to_owned(),
        command,
        environment: [].into(),
        ready: vec![elasticsearch::healthy(&url)],
        variables: [("TWOFOLD_TEST_OPENSEARCH".to_owned(), url)].into(),
        pid: None,
    })
}
