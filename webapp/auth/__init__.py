"""Who a request comes from: sessions and their cookie."""
