import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.node.InternalSettingsPreparer;
import org.elasticsearch.node.Node;
import org.elasticsearch.plugins.Plugin;

/** One Elasticsearch 7.17 node in this JVM, for tests, its modules from the class path. Arguments: HOME HTTP_PORT TRANSPORT_PORT. */
public class Node7 extends Node {
  private static final List<Class<? extends Plugin>> MODULES = List.of(
      org.elasticsearch.transport.Netty4Plugin.class,
      org.elasticsearch.reindex.ReindexPlugin.class,
      org.elasticsearch.index.mapper.MapperExtrasPlugin.class);

  private Node7(Environment environment, Collection<Class<? extends Plugin>> modules) {
    super(environment, modules, true);
  }

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
    Environment environment =
        InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), home.resolve("config"), () -> "one");
    Node node = new Node7(environment, MODULES);
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
