//! One Elasticsearch node, 8 or 7.17, without the modules that Maven Central lacks.

use std::path::Path;

use super::java::Java;
use super::record::{Ready, Record};
use super::server::Server;
use super::{packages, ports};
use crate::run;

/// Where the network module lies among the jars of version 8, as in the official layout.
const NETWORK: &str = "modules/transport-netty4";

/// Elasticsearch 8: its jars are Java modules, its own modules lie in folders.
pub fn prepare8(folder: &Path) -> Result<Record, String> {
    let java = Java::find()?;
    let jars = packages::jars("elasticsearch", |jars| {
        packages::compile(&java, "elasticsearch", "Node", jars)?;
        arrange(&java, jars)
    })?;
    let modules = folder.join(NETWORK);
    run::emptied(&modules)?;
    for file in run::files(&jars.folder.join(NETWORK))? {
        let name = file.file_name().unwrap_or_default();
        std::fs::copy(&file, modules.join(name)).map_err(|error| error.to_string())?;
    }
    let mut command = java.server(folder);
    let (path, classes) = (jars.folder.display(), jars.folder.join("classes"));
    command.extend(["-p".to_owned(), path.to_string()]);
    command.push("--add-modules=jdk.net,ALL-MODULE-PATH".to_owned());
    command.extend(["-cp".to_owned(), classes.display().to_string(), "Node".to_owned()]);
    record(Server::Elasticsearch, "TWOFOLD_TEST_ELASTICSEARCH", jars.version, command, folder)
}

/// Elasticsearch 7.17: everything on one class path.
pub fn prepare7(folder: &Path) -> Result<Record, String> {
    let java = Java::find()?;
    let jars = packages::jars("elasticsearch7", |jars| {
        packages::compile(&java, "elasticsearch7", "Node7", jars)
    })?;
    let mut command = java.server(folder);
    let classes = jars.folder.join("classes");
    let path = format!("{}:{}", classes.display(), jars.folder.join("*").display());
    command.extend(["-cp".to_owned(), path, "Node7".to_owned()]);
    record(Server::Elasticsearch7, "TWOFOLD_TEST_ELASTICSEARCH7", jars.version, command, folder)
}

fn record(
    server: Server,
    variable: &str,
    version: String,
    mut command: Vec<String>,
    folder: &Path,
) -> Result<Record, String> {
    let ports = ports::free(2)?;
    run::emptied(&folder.join("tmp"))?;
    command.push(folder.display().to_string());
    command.extend(ports.iter().map(u16::to_string));
    let url = format!("http://127.0.0.1:{}", ports[0]);
    Ok(Record {
        server,
        version,
        folder: folder.to_owned(),
        command,
        environment: [].into(),
        ready: vec![healthy(&url)],
        variables: [(variable.to_owned(), url)].into(),
        pid: None,
    })
}

/// The cluster's own word that it takes requests.
pub fn healthy(url: &str) -> Ready {
    Ready::Answered {
        url: format!("{url}/_cluster/health?wait_for_status=yellow&timeout=1s"),
        with: "\"timed_out\":false".into(),
    }
}

/// Moves the network module's jars into a folder of their own, with its descriptor.
fn arrange(java: &Java, jars: &Path) -> Result<(), String> {
    let module = jars.join(NETWORK);
    run::emptied(&module)?;
    for file in run::files(jars)? {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with("netty-") || name.starts_with("transport-netty4-") {
            let there = module.join(&name);
            std::fs::rename(&file, &there).map_err(|error| error.to_string())?;
            if name.starts_with("transport-netty4-") {
                descriptor(java, &there, &module)?;
            }
        }
    }
    Ok(())
}

/// The jar carries what the official distribution puts beside it.
fn descriptor(java: &Java, jar: &Path, module: &Path) -> Result<(), String> {
    let inside = "META-INF/es-plugins/transport-netty4";
    let mut tool = java.tool("jar");
    tool.current_dir(module).arg("--extract").arg("--file").arg(jar).arg(inside);
    run::output(&mut tool)?;
    for file in run::files(&module.join(inside))? {
        let name = file.file_name().unwrap_or_default();
        std::fs::rename(&file, module.join(name)).map_err(|error| error.to_string())?;
    }
    std::fs::remove_dir_all(module.join("META-INF")).map_err(|error| error.to_string())
}
