package exchange;

public class OrderDTO {
    public String orderNo;
    public String symbol;
    public String price;
    public String amount;
    public boolean bad;
}
