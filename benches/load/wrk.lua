-- The requests of one measurement for wrk: targets from a file, one a line; for an upload a header line and a body too.
-- It must not do more than hand out what was made before: its own cost is the load's, not the proxy's.
local requests, at, count = {}, 0, 0

function init(args)
  local method, file, body = args[1], args[2], nil
  if args[3] then
    local source = assert(io.open(args[3], "rb"))
    body = source:read("*a")
    source:close()
  end
  for line in io.lines(file) do
    local fields = {}
    for field in line:gmatch("[^\t]+") do fields[#fields + 1] = field end
    local headers = { Host = "s3.test" }
    for i = 2, #fields do
      local name, value = fields[i]:match("^([^:]+): (.*)$")
      headers[name] = value
    end
    requests[#requests + 1] = wrk.format(method, fields[1], headers, body)
  end
  count = #requests
end

function request()
  at = at % count + 1
  return requests[at]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"seconds":%.6f,"refused":%d,"broken":%d,"p50":%.1f,"p99":%.1f,"p999":%.1f}\n',
    summary.requests, summary.duration / 1e6, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
end
