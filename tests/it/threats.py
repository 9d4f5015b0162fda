#!/usr/bin/env python3
"""The runner of the attack cases, which judges here also what it leaves to the project's own tests.

  threats.py RUNNER [its own arguments]

Beyond its own checks: the code of S3 where a case names one; a connection that has to be closed; not one byte at the
upstream for what is refused; only whole, unambiguous requests there for everything else; answers that are XML.
"""
import importlib.util
import re
import sys
import xml.etree.ElementTree as ElementTree

spec = importlib.util.spec_from_file_location("runner", sys.argv[1])
runner = importlib.util.module_from_spec(spec)
spec.loader.exec_module(runner)
judged_before = runner.judge


def ambiguous(head):
    """What is wrong with a request that the upstream got."""
    lines = head.split(b"\r\n")
    names = [line.split(b":", 1)[0].strip().lower() for line in lines[1:]]
    if b"\n" in head.replace(b"\r\n", b"") or b"\r" in head.replace(b"\r\n", b"") or b"\0" in head:
        return "line ends"
    if names.count(b"host") != 1 or names.count(b"content-length") + names.count(b"transfer-encoding") > 1:
        return "host or framing"
    return None


def judge(expected, statuses, closed, recorder, out):
    faults = judged_before(expected, statuses, closed, recorder, out)
    final = [status for status in statuses if status >= 200]
    sent = b"".join(recorder.raw)
    head, _, body = out.partition(b"\r\n\r\n")
    if expected["verdict"] == "reject" and expected.get("upstream_requests") == 0 and sent:
        faults.append("%d bytes at the upstream" % len(sent))
    code = re.search(rb"<Code>([^<]*)</Code>", out)
    codes = expected.get("s3_code_any_of")
    if codes and code and code.group(1).decode() not in codes:
        faults.append("code %s" % code.group(1).decode())
    if expected.get("closed") and final and final[0] >= 400 and not closed:
        faults.append("the connection stays open")
    if expected.get("reframed") and len(recorder.reqs) > 1:
        faults.append("%d requests at the upstream" % len(recorder.reqs))
    if "complete" in str(expected.get("upstream", "")) and recorder.reqs:
        faults.append("a complete request at the upstream")
    if isinstance(expected.get("upstream"), int) and len(recorder.reqs) != expected["upstream"]:
        faults.append("%d requests at the upstream" % len(recorder.reqs))
    faults += ["upstream: %s" % fault for fault in map(ambiguous, (head for head, _ in recorder.reqs)) if fault]
    if b"application/xml" in head.lower() and body and len(final) == 1:
        try:
            ElementTree.fromstring(body)
        except ElementTree.ParseError as error:
            faults.append("no XML: %s" % error)
    return faults


runner.judge = judge
sys.argv = sys.argv[1:]
sys.exit(runner.main())
