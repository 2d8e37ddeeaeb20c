import io.apicurio.registry.serde.avro.AvroKafkaSerializer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeaders;

/** Prints one JSON object: a value of Apicurio's serialiser. Arguments: VERSION, URL, then pairs of option and value. */
public class Serialise {
    static final String SCHEMA = "{\"type\":\"record\",\"name\":\"Answer\",\"namespace\":\"com.sprig\",\"fields\":["
        + "{\"name\":\"userId\",\"type\":\"string\"},{\"name\":\"score\",\"type\":[\"null\",\"int\"]}]}";

    public static void main(String[] arguments) {
        Map<String, Object> config = new HashMap<>();
        List<String> options = new ArrayList<>();
        for (int i = 2; i < arguments.length; i += 2) {
            config.put(arguments[i], arguments[i + 1]);
            options.add(quoted(arguments[i]) + ": " + quoted(arguments[i + 1]));
        }
        config.put("apicurio.registry.url", arguments[1]);
        config.put("apicurio.registry.auto-register", "true");
        GenericRecord answer = new GenericData.Record(new Schema.Parser().parse(SCHEMA));
        answer.put("userId", "u");
        answer.put("score", 7);
        AvroKafkaSerializer<GenericRecord> serializer = new AvroKafkaSerializer<>();
        serializer.configure(config, false);
        RecordHeaders headers = new RecordHeaders();
        String value = HexFormat.of().formatHex(serializer.serialize("t", headers, answer));
        List<String> named = new ArrayList<>();
        for (Header header : headers) {
            named.add(quoted(header.key()) + ": " + quoted(HexFormat.of().formatHex(header.value())));
        }
        System.out.println("{\"version\": " + quoted(arguments[0]) + ", \"options\": {" + String.join(", ", options)
            + "}, \"value\": " + quoted(value) + ", \"headers\": {" + String.join(", ", named) + "}}");
        System.exit(0);  // the client of version 3 keeps threads
    }

    static String quoted(String text) {
        return '"' + text + '"';
    }
}
