import java.io.StringReader;
import java.io.StringWriter;
import java.sql.*;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyManager;

/** What a job in Java does: cursors, batches, statements prepared at the server, keys that it is given, COPY. */
public final class App {
  public static void main(String[] args) throws Exception {
    try (Connection c = DriverManager.getConnection(System.getenv("JDBC_URL"))) {
      c.setAutoCommit(false);
      read(c);
      batches(c);
      prepared(c);
      keys(c);
      copy(c);
      fails(c);
      c.rollback();
    }
  }

  private static void read(Connection c) throws SQLException {
    long sum = 0;
    try (PreparedStatement s = c.prepareStatement("select id, who, amount, made from orders where amount > ? order by id")) {
      s.setFetchSize(17);
      s.setBigDecimal(1, new java.math.BigDecimal(10));
      try (ResultSet r = s.executeQuery()) {
        while (r.next()) sum += r.getLong(1);
      }
    }
    System.out.println("sum " + sum);
  }

  private static void batches(Connection c) throws SQLException {
    try (PreparedStatement s = c.prepareStatement("insert into loaded (n, word) values (?, ?)")) {
      for (int n = 0; n < 500; n++) {
        s.setInt(1, n);
        s.setString(2, "wörd " + n);
        s.addBatch();
      }
      System.out.println("batch " + s.executeBatch().length);
    }
  }

  /** From the fifth time on under a name, and in binary. */
  private static void prepared(Connection c) throws SQLException {
    try (PreparedStatement s = c.prepareStatement("select amount, made, who from orders where id = ?")) {
      for (int n = 1; n <= 20; n++) {
        s.setInt(1, n);
        try (ResultSet r = s.executeQuery()) {
          r.next();
        }
      }
    }
  }

  private static void keys(Connection c) throws SQLException {
    try (PreparedStatement s =
        c.prepareStatement("insert into orders (who, amount) values (?, ?)", Statement.RETURN_GENERATED_KEYS)) {
      s.setString(1, "java");
      s.setInt(2, 3);
      s.executeUpdate();
      try (ResultSet r = s.getGeneratedKeys()) {
        r.next();
        try (Statement of = c.createStatement()) {
          of.executeUpdate("update orders set amount = 4 where id = " + r.getInt(1));
        }
      }
    }
    c.commit();
  }

  private static void copy(Connection c) throws Exception {
    CopyManager copies = c.unwrap(PGConnection.class).getCopyAPI();
    System.out.println("in " + copies.copyIn("copy loaded from stdin", new StringReader("1000\ta\n1001\tb\n")));
    StringWriter out = new StringWriter();
    System.out.println("out " + copies.copyOut("copy (select n, word from loaded order by n) to stdout", out));
    c.commit();
  }

  private static void fails(Connection c) throws SQLException {
    Savepoint before = c.setSavepoint("before");
    try (Statement s = c.createStatement()) {
      s.executeUpdate("insert into loaded values (1, 'again')");
    } catch (SQLException e) {
      System.out.println("failed " + e.getSQLState());
      c.rollback(before);
    }
    DatabaseMetaData about = c.getMetaData();
    try (ResultSet r = about.getColumns(null, "public", "orders", null)) {
      while (r.next()) r.getString("COLUMN_NAME");
    }
  }
}
