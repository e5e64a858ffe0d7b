package exchange;

public class AssetChangeDTO {
    public String userId;
    public int flowNo;
    public String amount;
}
