"""How often people are told, rightly and wrongly, and what watching many runs costs."""
