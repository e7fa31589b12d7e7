//! Apache Kafka as broker and controller in one (KRaft), in plain text and behind TLS with SCRAM.

use std::path::Path;

use super::java::Java;
use super::record::{Ready, Record};
use super::server::Server;
use super::{packages, ports};
use crate::run;

/// Of the listener with TLS, and of the key store. It guards nothing but test data.
const USER: &str = "twofold";
const PASSWORD: &str = "a-password-of-tests";

/// One replica of everything; sessions short enough that tests can wait for their end.
const SETTINGS: &str = "process.roles=broker,controller
node.id=1
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
auto.create.topics.enable=false
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
group.consumer.min.session.timeout.ms=1000
group.consumer.session.timeout.ms=6000
group.consumer.min.heartbeat.interval.ms=500
group.consumer.heartbeat.interval.ms=1000
sasl.enabled.mechanisms=SCRAM-SHA-256
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
ssl.keystore.type=PKCS12
";

/// Configuration, certificate and a formatted data directory.
pub fn prepare(folder: &Path) -> Result<Record, String> {
    let java = Java::find()?;
    let jars = packages::jars("kafka", |_| Ok(()))?;
    let ports = ports::free(3)?;
    let (plain, tls, controller) = (ports[0], ports[1], ports[2]);
    let authority = certificate(&java, folder)?;
    let properties = folder.join("server.properties");
    let text = SETTINGS.to_owned()
        + &format!(
            "controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{plain},SASL_SSL://127.0.0.1:{tls},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{plain},SASL_SSL://127.0.0.1:{tls}
log.dirs={data}
ssl.keystore.location={store}
ssl.keystore.password={PASSWORD}
",
            data = folder.join("data").display(),
            store = folder.join("keys.p12").display(),
        );
    run::write(&properties, &text)?;
    let mut command = java.server(folder);
    command.extend(["-cp".to_owned(), jars.folder.join("*").display().to_string()]);
    format(&command, &properties)?;
    command.extend(["kafka.Kafka".to_owned(), properties.display().to_string()]);
    Ok(Record {
        server: Server::Kafka,
        version: jars.version,
        folder: folder.to_owned(),
        command,
        environment: [].into(),
        ready: vec![Ready::Logged("Kafka Server started".into())],
        variables: [
            ("TWOFOLD_TEST_KAFKA", format!("127.0.0.1:{plain}")),
            ("TWOFOLD_TEST_KAFKA_TLS", format!("localhost:{tls}")),
            ("TWOFOLD_TEST_KAFKA_CA", authority),
            ("TWOFOLD_TEST_KAFKA_USER", USER.to_owned()),
            ("TWOFOLD_TEST_KAFKA_PASSWORD", PASSWORD.to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into(),
        pid: None,
    })
}

/// A key store with a certificate for this machine; returns where clients find the certificate.
fn certificate(java: &Java, folder: &Path) -> Result<String, String> {
    let store = folder.join("keys.p12");
    let keytool = |words: &[&str]| {
        let mut keytool = java.tool("keytool");
        keytool.args(words).arg("-keystore").arg(&store);
        keytool.args(["-storetype", "PKCS12", "-storepass", PASSWORD, "-alias", "broker"]);
        run::output(&mut keytool)
    };
    let subject = ["-dname", "CN=localhost", "-ext", "san=dns:localhost,ip:127.0.0.1"];
    let key = ["-genkeypair", "-keyalg", "EC", "-groupname", "secp256r1", "-validity", "3650"];
    keytool(&[key.as_slice(), &subject].concat())?;
    let authority = folder.join("ca.pem");
    run::write(&authority, &keytool(&["-exportcert", "-rfc"])?)?;
    Ok(authority.display().to_string())
}

/// Formats the data directory with a new cluster's id, and a user.
fn format(java: &[String], properties: &Path) -> Result<(), String> {
    let user = format!("SCRAM-SHA-256=[name={USER},password={PASSWORD}]");
    let mut tool = std::process::Command::new(&java[0]);
    tool.args(&java[1..]).args(["kafka.tools.StorageTool", "format", "--cluster-id"]);
    tool.arg(cluster_id()).arg("--config").arg(properties).arg("--add-scram").arg(user);
    run::output(&mut tool).map(drop)
}

/// 128 random bits as Kafka writes them: URL-safe base64 without padding.
fn cluster_id() -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    // The last of the 22 letters holds two bits; its other four are zero.
    let bits = (u128::from(ports::random()) << 64 | u128::from(ports::random())).reverse_bits();
    let letters = (0..22).map(|at| {
        let six = if at < 21 { bits >> (128 - 6 - 6 * at) & 63 } else { bits << 4 & 63 };
        char::from(LETTERS[six as usize])
    });
    // A leading `-` would be read as an option.
    letters.collect::<String>().replacen('-', "A", 1)
}
