/** Main NAMESRV PATTERN (quick|full) [threads] */
public final class Main {
    public static void main(String[] args) throws Exception {
        Client.namesrv = args[0];
        Harness harness = new Harness(args[1], args[2].equals("full"));
        SendCases.add(harness);
        PushCases.add(harness);
        RetryCases.add(harness);
        OrderCases.add(harness);
        PullCases.add(harness);
        OffsetCases.add(harness);
        GroupCases.add(harness);
        harness.run(args.length > 3 ? Integer.parseInt(args[3]) : 6);
        System.exit(0);
    }
}
