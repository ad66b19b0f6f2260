import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.Watcher;
import io.fabric8.kubernetes.client.WatcherException;
import io.fabric8.kubernetes.client.dsl.ExecWatch;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.ByteArrayOutputStream;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** What a Java program does with a cluster, by fabric8's client and the kubeconfig it is given; prints one line of JSON. */
public final class Client {
  public static void main(String[] args) throws Exception {
    Config config = Config.fromKubeconfig(Path.of(args[0]).toFile());
    // By default it asks for watches by WebSocket, which the gateway upgrades commands and ports to, and no watch.
    config.setOnlyHttpWatches(true);
    try (KubernetesClient client = new KubernetesClientBuilder().withConfig(config).build()) {
      Map<String, Object> seen = new LinkedHashMap<>();
      seen.put("names", names(client));
      seen.put("watched", watched(client, args[1]));
      exec(client, seen);
      System.out.println(Serialization.asJson(seen).replace("\n", ""));
    }
  }

  private static List<String> names(KubernetesClient client) {
    return client.pods().inNamespace("dev").list().getItems().stream()
        .map(pod -> pod.getMetadata().getName()).sorted().toList();
  }

  /** Applied by the server, while a watch looks at it. */
  private static String watched(KubernetesClient client, String name) throws Exception {
    CompletableFuture<String> came = new CompletableFuture<>();
    Watcher<ConfigMap> watcher = new Watcher<>() {
      @Override public void eventReceived(Action action, ConfigMap map) {
        came.complete(action + " " + map.getData().get("by"));
      }

      @Override public void onClose(WatcherException cause) {
        came.completeExceptionally(cause);
      }
    };
    try (var watch = client.configMaps().inNamespace("dev").withName(name).watch(watcher)) {
      ConfigMap map = new ConfigMapBuilder()
          .withNewMetadata().withName(name).withNamespace("dev").endMetadata().addToData("by", "java").build();
      client.resource(map).forceConflicts().serverSideApply();
      return came.get(20, TimeUnit.SECONDS);
    } finally {
      client.configMaps().inNamespace("dev").withName(name).delete();
    }
  }

  private static void exec(KubernetesClient client, Map<String, Object> seen) throws Exception {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    try (ExecWatch exec = client.pods().inNamespace("dev").withName("web-0").inContainer("main")
        .writingOutput(out).writingError(err).exec("sh", "-c", "echo out; echo err >&2; exit 5")) {
      seen.put("code", exec.exitCode().get(20, TimeUnit.SECONDS));
    }
    seen.put("out", out.toString());
    seen.put("err", err.toString());
  }
}
