import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.node.InternalSettingsPreparer;
import org.elasticsearch.plugins.PluginsLoader;

/**
 * One Elasticsearch 8 node in this JVM, for tests. Arguments: HOME HTTP_PORT TRANSPORT_PORT.
 *
 * <p>HOME/config and HOME/modules/NAME lie as in the official layout. The official start script does more: it drops
 * privileges, checks the machine's limits and loads the x-pack modules, none of which are on Maven Central.
 */
public class Node {
  public static void main(String[] arguments) throws Exception {
    Path home = Path.of(arguments[0]).toAbsolutePath();
    for (String folder : new String[] {"config", "modules", "plugins", "logs", "tmp"}) {
      Files.createDirectories(home.resolve(folder));
    }
    Settings settings = Settings.builder()
        .put("path.home", home).put("path.data", home.resolve("data")).put("path.logs", home.resolve("logs"))
        .put("cluster.name", "twofold").put("node.name", "one").put("discovery.type", "single-node")
        .put("network.host", "127.0.0.1").put("http.port", arguments[1]).put("transport.port", arguments[2])
        .put("action.destructive_requires_name", false)
        .put("cluster.routing.allocation.disk.threshold_enabled", false)
        .build();
    LogConfigurator.registerErrorListener();
    LogConfigurator.configureESLogging();
    Environment environment =
        InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), home.resolve("config"), () -> "one");
    PluginsLoader plugins = PluginsLoader.createPluginsLoader(
        PluginsLoader.loadModulesBundles(home.resolve("modules")),
        PluginsLoader.loadPluginsBundles(home.resolve("plugins")), Map.of());
    org.elasticsearch.node.Node node = new org.elasticsearch.node.Node(environment, plugins);
    node.start();
    CountDownLatch stopped = new CountDownLatch(1);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      try {
        node.close();
      } catch (Exception error) {
        error.printStackTrace();
      }
      stopped.countDown();
    }));
    stopped.await();
  }
}
