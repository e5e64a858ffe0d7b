import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;

/** Runs cases side by side and prints one line for each: CASE name STATUS seconds reason. */
final class Harness {
    interface Body {
        void run() throws Exception;
    }

    private record Case(String name, Body body) { }

    private final List<Case> cases = new ArrayList<>();
    private final Pattern only;
    private final boolean full;

    Harness(String only, boolean full) {
        this.only = Pattern.compile(only);
        this.full = full;
    }

    void quick(String name, Body body) {
        if (only.matcher(name).find()) {
            cases.add(new Case(name, body));
        }
    }

    /** A case that needs more than about twenty seconds. */
    void slow(String name, Body body) {
        if (full) {
            quick(name, body);
        }
    }

    /** Cases mostly wait, so several run at once on few cores. */
    void run(int threads) throws InterruptedException {
        ExecutorService pool = Executors.newFixedThreadPool(threads);
        for (Case one : cases) {
            pool.submit(() -> runOne(one));
        }
        pool.shutdown();
        pool.awaitTermination(30, TimeUnit.MINUTES);
    }

    private static void runOne(Case one) {
        long begin = System.nanoTime();
        String status = "ok";
        String reason = "";
        try {
            one.body.run();
        } catch (Throwable e) {
            status = "FAILED";
            reason = reason(e);
        } finally {
            Client.closeMine();
        }
        double seconds = (System.nanoTime() - begin) / 1e9;
        synchronized (System.out) {
            System.out.println(String.format(Locale.ROOT, "CASE %s %s %.1f %s", one.name, status, seconds, reason));
            System.out.flush();
        }
    }

    private static String reason(Throwable e) {
        StringBuilder text = new StringBuilder(e.toString());
        for (StackTraceElement at : e.getStackTrace()) {
            if (at.getClassName().endsWith("Cases")) {
                text.append(" at ").append(at.getFileName()).append(':').append(at.getLineNumber());
                break;
            }
        }
        return text.toString().replace('\n', ' ');
    }

    static void check(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }

    static void same(Object expected, Object actual, String what) {
        if (!java.util.Objects.equals(expected, actual)) {
            throw new AssertionError(what + ": expected " + expected + ", got " + actual);
        }
    }

    /** Waits until the condition holds; fails naming it after so many seconds. */
    static void await(int seconds, String what, Callable<Boolean> holds) throws Exception {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        while (!holds.call()) {
            if (System.nanoTime() > end) {
                throw new AssertionError("not within " + seconds + " s: " + what);
            }
            Thread.sleep(20);
        }
    }

    /** For showing that something does NOT happen, and only there. */
    static void stays(int millis, String what, Callable<Boolean> holds) throws Exception {
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
        while (System.nanoTime() < end) {
            check(holds.call(), what);
            Thread.sleep(20);
        }
    }
}
