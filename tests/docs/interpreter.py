"""One Python session for a page: reads blocks as lines of JSON, runs each, prints the mark it was started with."""

import json
import sys
import traceback

mark = sys.argv[1]
namespace: dict[str, object] = {"__name__": "__main__"}
sys.path.insert(0, "")
for line in sys.stdin:
    place, source = json.loads(line)
    try:
        exec(compile(source, place, "exec"), namespace)
        status = 0
    except BaseException:
        traceback.print_exc(file=sys.stdout)
        status = 1
    print(f"{mark}{status}", flush=True)
