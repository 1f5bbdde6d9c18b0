"""How people ask about printed papers; written down before any real set was looked at."""

from __future__ import annotations

TOTAL = (
    "What is the total?", "What is the total amount?", "How much is the total?", "Grand total?", "total amount",
    "What is the grand total?", "How much did it cost?", "How much did it cost in all?", "What was paid in total?",
    "How much is to be paid?", "What is the amount due?", "What does the bill come to?", "How much was the bill?",
    "What is the total on the receipt?", "What is the total amount of this receipt?", "What is the total price?",
    "What is the final amount?", "Which total is printed on the receipt?", "How much do I have to pay?", "Total?",
)  # fmt: skip
DATE = (
    "What is the date?", "What is the date on the receipt?", "Which date is printed?", "When was the receipt printed?",
    "When was this bought?", "date", "What is the date of this receipt?", "On which day was it?", "Date?",
    "What date is on the bill?", "What is the date of purchase?", "When was the purchase made?", "When was it issued?",
)  # fmt: skip
TIME = (
    "What is the time on the receipt?", "Which time is printed?", "What time is it printed at?", "At what time was it?",
    "What is the time of purchase?", "time",
)  # fmt: skip
COMPANY = (
    "What is the name of the shop?", "Which shop is it?", "What is the company?", "Which company issued the receipt?",
    "What is the name of the company?", "What is the name of the store?", "Who issued this receipt?", "company",
    "Where was this bought?", "Which company is the receipt from?", "What is the company name?", "Who is the seller?",
)  # fmt: skip
ADDRESS = (
    "What is the address?", "What is the address of the shop?", "Where is the shop?", "Where is the company?",
    "address",
    "What is the address of the company?", "Which address is printed?",
)  # fmt: skip
SUBTOTAL = ("What is the subtotal?", "How much is the subtotal?", "What is the amount before tax?", "subtotal")
TAX = (
    "What is the tax?", "How much is the tax?", "How much tax was paid?", "What is the amount of tax?",
    "tax amount",
)  # fmt: skip
CASH = (
    "How much cash was given?", "How much was paid in cash?", "What is the cash amount?", "How much was tendered?",
    "cash",
)  # fmt: skip
CHANGE = ("What is the change?", "How much change was given?", "How much is the change?", "change")
ROUNDING = ("What is the rounding?", "How much is the rounding?", "What is the rounding adjustment?")
DISCOUNT = ("What is the discount?", "How much is the discount?", "How much was taken off?")
SERVICE = ("What is the service charge?", "How much is the service charge?")
PHONE = ("What is the phone number?", "Which phone number is printed?", "What is the telephone number?", "phone")
FIELD = (
    "What is the {label}?", "What does it say after {label}?", "Read the value of {label}.", "{label}?",
    "What is {label}?",
    "What stands beside {label}?",
)  # fmt: skip
PRICE = (
    "What is the price of {item}?", "How much is {item}?", "How much does {item} cost?", "What does {item} cost?",
    "What was paid for {item}?", "price of {item}",
)  # fmt: skip
QUANTITY = ("What is the quantity of {item}?", "How many {item} were bought?", "How many of {item}?")
ITEM_OF_PRICE = ("Which item costs {price}?", "What was bought for {price}?", "What costs {price}?")
FIRST_ITEM = ("What is the first item?", "Which item is listed first?")
LAST_ITEM = ("What is the last item?", "Which item is listed last?")
NUM_ITEMS = ("How many items are on the receipt?", "How many different items were bought?")
LINE = (
    "Transcribe the line that starts with {start}.", "Read the line that begins with {start}.",
    "Write out the line that starts with {start}.",
)  # fmt: skip
FIRST_LINE = (
    "Read the first line.",
    "What is the first line?",
    "What is written at the top?",
    "Transcribe the top line.",
)
LAST_LINE = ("Read the last line.", "What is the last line?", "What is written at the bottom?")
BELOW = ("What is written below {line}?", "Which line is below {line}?", "Read the line under {line}.")
BEFORE = ("What stands before {value}?", "What is the label of {value}?", "What is {value}?")
