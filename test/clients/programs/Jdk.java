import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.time.Instant;
import java.util.UUID;

/**
 * The main job by the JDK alone, with its defaults: HttpClient offers HTTP/2 by an upgrade with each first request, and
 * HttpURLConnection (up to JDK 18) accepts "*; q=.2" instead of JSON.
 */
public class Jdk {
  static final String BASE = System.getenv("BASE") + "/v1";
  static final String AUTHORIZATION = "Bearer " + System.getenv("GUARD");
  static final String SHIFT = System.getenv("SHIFT");
  static final double LATITUDE = Double.parseDouble(System.getenv("LATITUDE"));
  static final double LONGITUDE = Double.parseDouble(System.getenv("LONGITUDE"));

  public static void main(String[] none) throws Exception {
    String place = "latitude=" + LATITUDE + "&longitude=" + LONGITUDE;
    // A client of its own for each: each first request makes the offer.
    print("me", send(get("/me")));
    print("nearby", connect("/shifts/nearby?" + place));
    print("claim", send(request("/shifts/" + SHIFT + "/claim").POST(HttpRequest.BodyPublishers.noBody())));
    String items = "{\"items\":[" + checkIn(LATITUDE) + "," + checkIn(152) + "]}";
    print("batch", send(request("/checkins/batch").header("Content-Type", "application/json")
        .POST(HttpRequest.BodyPublishers.ofString(items))));
    System.exit(0);
  }

  static String checkIn(double latitude) {
    return "{\"id\":\"" + UUID.randomUUID() + "\",\"shift_id\":\"" + SHIFT + "\",\"kind\":\"clock_in\",\"latitude\":" + latitude
        + ",\"longitude\":" + LONGITUDE + ",\"accuracy_meters\":8,\"recorded_at\":\"" + Instant.now() + "\"}";
  }

  static HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create(BASE + path)).timeout(Duration.ofSeconds(20)).header("Authorization", AUTHORIZATION);
  }

  static HttpRequest.Builder get(String path) {
    return request(path).GET();
  }

  static String send(HttpRequest.Builder request) throws IOException, InterruptedException {
    var answer = HttpClient.newHttpClient().send(request.build(), BodyHandlers.ofString());
    if (answer.statusCode() >= 300) throw new IOException(answer.statusCode() + " " + answer.body());
    return answer.body();
  }

  static String connect(String path) throws IOException {
    var connection = (HttpURLConnection) URI.create(BASE + path).toURL().openConnection();
    connection.setRequestProperty("Authorization", AUTHORIZATION);
    return new String(connection.getInputStream().readAllBytes());
  }

  /** JSON is the test's to read: the JDK has no parser of it. */
  static void print(String name, String answer) {
    System.out.println(name + " " + answer);
  }
}
