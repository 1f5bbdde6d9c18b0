"""The names that a running server shows at /metrics: `python deploy/metric_names.py URL > deploy/metrics.txt`.

Ask it something first: a counter with labels is not there before it has counted.
"""

import re
import sys
import urllib.request

text = urllib.request.urlopen(f"{sys.argv[1]}/metrics").read().decode()
print("\n".join(sorted(set(re.findall(r"^([A-Za-z_:][\w:]*)[{ ]", text, re.MULTILINE)))))
