"""How people ask about bills, tickets, labels, tables, charts, signs, screens and slides.

Written down before any real picture of these kinds was looked at, as `wordings.py` was.
"""

from __future__ import annotations

RECIPIENT = (
    "Who is the invoice for?", "Who is billed?", "Who has to pay?", "Bill to whom?", "Who is the customer?",
    "To whom is it addressed?", "Which customer gets this bill?", "Who is the recipient?", "customer name",
)  # fmt: skip
ISSUER = (
    "Who sent this bill?", "Which company issued the invoice?", "Who is the invoice from?", "Who wants to be paid?",
    "What is the name of the company?", "Which company is it?", "Who is the supplier?", "issuer", "Company name?",
)  # fmt: skip
INVOICE_NUMBER = (
    "What is the invoice number?", "Which number does the invoice have?", "invoice number", "Invoice no.?",
    "What is the number of this document?", "Read the invoice number.", "What number should I quote?",
)  # fmt: skip
INVOICE_DATE = (
    "What is the invoice date?", "When was the invoice issued?", "What is the date of the invoice?", "invoice date",
    "On which date was this written?", "When was it billed?", "Date of issue?",
)  # fmt: skip
DUE_DATE = (
    "When is it due?", "What is the due date?", "By when must it be paid?", "Until when do I have to pay?", "due date",
    "What is the deadline for payment?", "When does the payment have to arrive?",
)  # fmt: skip
INVOICE_TOTAL = (
    "What is the total?", "How much is to be paid?", "What is the total of the invoice?", "How much do we owe?",
    "What is the amount due?", "Total amount?", "How much is the bill?", "What does it come to in all?", "grand total",
    "What is the final amount?", "What sum is asked for?", "How much money do they want?",
)  # fmt: skip
LINE_AMOUNT = (
    "What is the amount for {item}?", "How much is charged for {item}?", "What does {item} come to?",
    "What is the line total of {item}?", "How much is {item}?", "amount of {item}", "What do we pay for {item}?",
)  # fmt: skip
UNIT_PRICE = (
    "What is the unit price of {item}?", "What is the price of one {item}?", "How much is a single {item}?",
    "What does one {item} cost?", "unit price of {item}",
)  # fmt: skip
ORDERED = (
    "How many {item} are on the bill?", "What is the quantity of {item}?", "How many units of {item}?",
    "What quantity is given for {item}?",
)  # fmt: skip
ACCOUNT = (
    "What is the account number?", "To which account is it paid?", "Which account should the money go to?",
    "Read the account number.", "bank account",
)  # fmt: skip
BANK = ("What is the name of the bank?", "Which bank is it?", "At which bank is the account?", "bank name")
EMAIL = ("What is the email address?", "Which email address is given?", "Where can I write an email?", "email")
WEBSITE = ("What is the website?", "Which website is given?", "What is the web address?", "website")
STAMP = ("What does the stamp say?", "What is stamped on it?", "Which word is stamped over the print?")

VALUE_OF = (
    "What is the {label}?", "What does it say for {label}?", "Read the {label}.", "{label}?",
    "What is given as {label}?",
    "Which {label} is shown?", "What is entered under {label}?", "Tell me the {label}.",
    "What value does {label} have?",
)  # fmt: skip
LABEL_OF = (
    "Which field says {value}?", "What is {value}?", "Under which heading does {value} stand?",
    "What does {value} mean here?",
    "Which entry has the value {value}?",
)  # fmt: skip
HEADING = (
    "What is the title?", "What is the heading?", "What does the headline say?", "Read the title.", "title",
    "What is it called?", "What is written largest at the top?", "Which title does it have?",
)  # fmt: skip
PLACE_FROM = ("Where does the journey begin?", "From where does it leave?", "What is the place of departure?", "from")
PLACE_TO = ("Where does the journey go?", "What is the destination?", "Where does it go to?", "Where to?")
SEAT = ("Which seat is it?", "What is the seat number?", "Where do I sit?", "seat", "What seat is printed?")
VENUE = ("Where does it take place?", "What is the venue?", "Where is the event?", "venue", "At which place is it?")
EVENT = ("What is the event?", "What is the ticket for?", "Which event is it?", "What does one see with this ticket?")
TICKET_PRICE = (
    "What does the ticket cost?", "How much is the ticket?", "What is the price?", "price", "What was paid for it?",
    "How much did the ticket cost?",
)  # fmt: skip
PASSENGER = (
    "Who travels?",
    "What is the name of the passenger?",
    "Whose ticket is it?",
    "Who is it made out to?",
    "name",
)
WHEN_DATE = (
    "On which date is it?",
    "What is the date?",
    "When is it?",
    "date",
    "For which day is it valid?",
    "Which day?",
)
WHEN_TIME = ("At what time does it start?", "What time is printed?", "What is the time?", "time", "When does it begin?")
TICKED = ("Which option is ticked for {label}?", "What is ticked under {label}?", "Which box is marked for {label}?",
          "What was chosen for {label}?")  # fmt: skip
IS_TICKED = (
    "Is {option} ticked?",
    "Is the box {option} marked?",
    "Was {option} chosen?",
    "Is there a mark at {option}?",
)
PRODUCT = (
    "What is the product?", "Which product is it?", "What is on the label?", "What is sold here?", "product name",
    "What is the name of the product?",
)  # fmt: skip
LABEL_PRICE = ("What does it cost?", "What is the price?", "How much is it?", "price", "Which price is on the label?")
UNIT_COST = ("What is the price per unit?", "What does a unit cost?", "What is the unit price on the label?")
WEIGHT = ("How much does it weigh?", "What is the weight?", "What is the net weight?", "weight", "How heavy is it?")
NUTRIENT = (
    "How much {name} does it have?", "What is the amount of {name}?", "{name}?", "How much {name} is in it?",
    "What does the label say about {name}?", "Read the value of {name}.",
)  # fmt: skip
SENDER = ("Who sent the parcel?", "Who is the sender?", "From whom does it come?", "sender")
RECEIVER = ("Who gets the parcel?", "Who is the receiver?", "To whom does it go?", "To whom is it sent?", "receiver")
TRACKING = ("What is the tracking number?", "Read the tracking number.", "tracking number", "Which number can I track?")

CELL = (
    "What is the {column} of {row}?", "{column} of {row}?", "Which {column} does {row} have?",
    "What does the table say for {row} under {column}?", "Read {column} for {row}.",
    "What is in the row {row}, column {column}?",
    "For {row}, what is the {column}?",
)  # fmt: skip
ROW_OF = (
    "Which {key} has {value} as {column}?", "Whose {column} is {value}?", "Which row has {value} under {column}?",
    "Where is the {column} {value}?", "Which {key} has a {column} of {value}?",
)  # fmt: skip
HIGHEST_ROW = (
    "Which {key} has the highest {column}?", "Who or what is first by {column}?", "Which {key} has the most {column}?",
    "Where is {column} largest?", "What has the largest {column}?",
)  # fmt: skip
LOWEST_ROW = (
    "Which {key} has the lowest {column}?", "Which {key} has the least {column}?", "Where is {column} smallest?",
    "What has the smallest {column}?",
)  # fmt: skip
HIGHEST_VALUE = ("What is the highest {column}?", "What is the largest number under {column}?", "Highest {column}?")
LOWEST_VALUE = ("What is the lowest {column}?", "What is the smallest number under {column}?", "Lowest {column}?")
NUM_ROWS = ("How many rows does the table have?", "How many entries are in the table?", "How many rows are there?")
COLUMN_HEAD = (
    "What is the heading of the last column?", "How is the last column headed?", "What does the last column show?",
)  # fmt: skip
ROW_DIFFERENCE = (
    "What is the difference in {column} between {one} and {other}?",
    "By how much do {one} and {other} differ in {column}?",
    "How far apart are {one} and {other} in {column}?",
)  # fmt: skip
SOURCE = (
    "What is the source?",
    "Where do the numbers come from?",
    "Which source is named?",
    "source",
    "Read the source.",
)
NOTE = ("What does the note say?", "Read the note.", "What is the footnote?", "What is printed in small letters below?")

CHART_TITLE = (
    "What is the title of the chart?", "What is the chart about?", "Read the headline of the chart.", "chart title",
    "What does the heading say?", "Which title does the graph have?",
)  # fmt: skip
CHART_VALUE = (
    "What is the value of {name}?", "What is the value for {name}?", "How much is {name}?", "What is shown for {name}?",
    "Which number belongs to {name}?", "{name}?", "What figure does {name} have?", "Read the value of {name}.",
)  # fmt: skip
CHART_PERCENT = (
    "What percentage is shown for {name}?", "How many percent is {name}?", "What share does {name} have?",
    "What percent does {name} have?", "What is the percentage of {name}?", "{name}, in percent?",
    "What is the value of {name}?",
)  # fmt: skip
SERIES_VALUE = (
    "What is the value of {series} for {name}?", "What is {series} in {name}?", "How much is {series} for {name}?",
    "For {name}, what is the value of {series}?", "What does the chart show for {series} and {name}?",
    "Which number belongs to {series} at {name}?",
)  # fmt: skip
SERIES_PERCENT = (
    "What percentage of {name} say {series}?", "How many percent of {name} is {series}?",
    "What share is {series} for {name}?",
    "For {name}, what is the percentage of {series}?", "What percent is {series} among {name}?",
    "What is the share of {series} in {name}?",
)  # fmt: skip
CHART_HIGHEST = (
    "Which one is highest?", "What has the highest value?", "Which category is largest?", "Where is the value largest?",
    "Which one has the most?", "What comes first by value?", "Which bar or point is the highest?",
)  # fmt: skip
CHART_LOWEST = (
    "Which one is lowest?", "What has the lowest value?", "Which category is smallest?", "Where is the value smallest?",
    "Which one has the least?", "What comes last by value?",
)  # fmt: skip
SERIES_HIGHEST = (
    "For which category is {series} highest?", "Where is {series} largest?", "Which one has the most {series}?",
    "When or where does {series} peak?",
)  # fmt: skip
SERIES_LOWEST = (
    "For which category is {series} lowest?",
    "Where is {series} smallest?",
    "Which one has the least {series}?",
)
CHART_MAXIMUM = ("What is the highest value?", "What is the largest number shown?", "How high is the highest value?")
CHART_MINIMUM = ("What is the lowest value?", "What is the smallest number shown?", "How low is the lowest value?")
CHART_DIFFERENCE = (
    "What is the difference between {one} and {other}?", "By how much do {one} and {other} differ?",
    "How much more is {one} than {other}?", "What is the gap between {one} and {other}?",
)  # fmt: skip
CHART_COMPARE = (
    "Which is higher, {one} or {other}?", "Is {one} or {other} larger?", "Which has more, {one} or {other}?",
    "Which of the two is larger, {one} or {other}?",
)  # fmt: skip
ALL_PERCENTAGES = (
    "List all percentages in the chart.", "Which percentages are printed?", "Transcribe all percentages.",
    "Read all the percentages from top to bottom.", "What percentages does the chart show?",
    "Write down every percentage.",
)  # fmt: skip
ALL_VALUES = (
    "List all values in the chart.", "Which values are printed?", "Transcribe all the numbers on the chart.",
    "Read all the values.", "What values does the chart show?",
)  # fmt: skip
ALL_OF_SERIES = (
    "List all values of {series}.", "Which values does {series} have?", "Read all the numbers of {series}.",
    "Transcribe the values of {series}.",
)  # fmt: skip
ALL_OF_CATEGORY = (
    "List all values for {name}.", "Which values are shown for {name}?", "Read the numbers in the row {name}.",
    "Transcribe the values of {name}.",
)  # fmt: skip
NUM_CATEGORIES = ("How many categories are shown?", "How many different categories does the chart have?")
NUM_SERIES = (
    "How many series does the chart have?",
    "How many entries does the legend have?",
    "How many groups are in the legend?",
)
WHICH_HAS = (
    "Which one has the value {value}?",
    "What is at {value}?",
    "Which category has {value}?",
    "To what does {value} belong?",
)

SIGN_TEXT = (
    "What does the sign say?", "What is written on the sign?", "Read the sign.", "What can be read here?",
    "What is written?", "Which words are on the sign?", "sign text",
)  # fmt: skip
SHOP_NAME = (
    "What is the name of the shop?", "Which shop is it?", "What is the shop called?",
    "What does it say above the shop?",
    "What is the name of the store?", "Read the name of the shop.", "Which business is this?", "shop name",
)  # fmt: skip
SIGN_PHONE = ("What is the phone number?", "Which number can I call?", "Read the phone number.", "phone number")
STREET_NAME = (
    "What is the name of the street?",
    "Which street is it?",
    "Read the street name.",
    "In which street is it?",
)
PLATE = ("What is on the number plate?", "Read the licence plate.", "What is the number of the car?", "plate number")
DISTANCE = (
    "How far is it to {place}?",
    "How many kilometres are left to {place}?",
    "What distance is given for {place}?",
)
PLACE_AT = ("Which place is {distance} away?", "What is {distance} away?", "To which place is it {distance}?")
HOUSE_NUMBER = ("What is the house number?", "Which number does the house have?", "Read the house number.")
OFFER = ("What is written on the window?", "What does the window say?", "Read the words on the window.")
SECOND_LINE = ("What stands below {line}?", "What is written under {line}?", "Which words are below {line}?")
COLOURED_SIGN = ("What is written on the {colour} sign?", "What does the {colour} sign say?", "Read the {colour} sign.")
HOURS = ("When is it open on {day}?", "What are the opening hours on {day}?", "Opening hours {day}?")

SETTING = (
    "What is {name} set to?", "What is the setting of {name}?", "Which value does {name} have?", "{name}?",
    "How is {name} set?", "What does it show for {name}?",
)  # fmt: skip
IS_ON = ("Is {name} switched on?", "Is {name} on or off?", "Is {name} turned on?", "Has {name} been enabled?")
WINDOW_TITLE = (
    "What is the title of the window?", "Which window is it?", "What is the name of the window?",
    "What does the title bar say?",
)  # fmt: skip
FILE_FIELD = (
    "What is the {column} of {row}?", "Which {column} does {row} have?", "{column} of {row}?",
    "What is listed as {column} for {row}?", "Find {row}: what is its {column}?",
)  # fmt: skip
BUTTONS = (
    "What does the highlighted button say?",
    "Which button is highlighted?",
    "What is written on the coloured button?",
)
CLOCK_NOW = (
    "What time is it on the screen?",
    "What time does the clock show?",
    "Which time is shown?",
    "What is the time?",
)
SUBJECT_OF = (
    "What is the subject of the message from {name}?",
    "What did {name} write about?",
    "What is the mail from {name} about?",
)
SENDER_OF = ("Who wrote about {subject}?", "Who sent {subject}?", "From whom is {subject}?")
MESSAGE = ("What does the message say?", "Read the message.", "What is the dialog about?", "What does the window ask?")
BALANCE = ("What is the balance?", "How much is in the account?", "What is the current balance?", "balance")

SLIDE_TITLE = ("What is the title of the slide?", "What is the slide about?", "Read the title of the slide.",
    "slide title",
               "What is the heading?")  # fmt: skip
BULLET = (
    "What does the {nth} bullet say?", "Read the {nth} point.", "What is the {nth} point?",
    "What is the {nth} item of the list?",
    "Which point comes {nth}?",
)  # fmt: skip
NUM_BULLETS = (
    "How many points are on the slide?",
    "How many bullets are there?",
    "How many points does the slide make?",
)
SLIDE_NUMBER = ("Which number does the slide have?", "What is the slide number?", "Which page is it?")
BIG_NUMBER = (
    "Which number is shown for {name}?", "What is the figure for {name}?", "What is the number of {name}?", "{name}?",
    "How high is {name}?",
)  # fmt: skip
UNDER_HEAD = (
    "What is the first point under {name}?",
    "What stands first below {name}?",
    "Read the first point of {name}.",
)
WHEN_OF = ("When is {name}?", "At what time is {name}?", "What time does {name} begin?", "When does {name} take place?")
DATE_OF = (
    "When is {name}?",
    "What is the date of {name}?",
    "When does {name} take place?",
    "Which date is given for {name}?",
)
WHAT_AT = ("What is planned for {time}?", "What happens at {time}?", "What is at {time}?")
SMALL_PRINT = ("What does the smallest line at the bottom say?", "Read the footer.", "What is written at the foot?")
CARRIER = ("Who delivers it?", "Which carrier is it?", "What is the name of the carrier?")
RECEIVERS_ADDRESS = ("To which address does it go?", "What is the address of the receiver?")
ROUTING_CODE = ("What is the routing code?", "What is the large code?", "Read the largest print.")
