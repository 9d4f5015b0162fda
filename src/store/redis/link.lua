-- One step of the state of a link; the same machine as src/links/state.rs, and tests hold the two together.
-- KEYS[1]: the link; KEYS[2], where a step has a token: that the token has ended.
-- ARGV: step, now (empty: the time of this server), grace, and what the step needs.
local now = tonumber(ARGV[2])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local grace = tonumber(ARGV[3])
local LEASE = 60000
-- for longer than a network may bring what it held back
local LATE = 300000

local raw = redis.call('GET', KEYS[1])
local s = { spent = 0, carry = 0, size = 0, bytes = 0, pin = '', pinned = 0, till = 0, uses = {}, holds = {} }
if raw then
  local p = cmsgpack.unpack(raw)
  s.spent, s.carry, s.size, s.bytes, s.pin, s.pinned, s.till = p[1], p[2], p[3], p[4], p[5], p[6], p[7]
  for _, u in ipairs(p[8]) do
    table.insert(s.uses, { id = u[1], client = u[2], last = u[3], done = u[4], got = u[5], begun = u[6] })
  end
  for _, h in ipairs(p[9]) do
    table.insert(s.holds, { token = h[1], part = h[2], lease = h[3], limit = h[4], want = h[5] })
  end
end

local function within_grace(use)
  local since = use.done == 0 and use.last or use.done
  return now < since + grace
end

local function give_up(got)
  s.carry = s.carry + got
  if s.size > 0 and s.carry >= s.size then
    s.carry = s.carry - s.size
    s.spent = s.spent + 1
  end
end

local function is_held(use)
  for _, h in ipairs(s.holds) do
    if h.part == use.id then return true end
  end
  return false
end

local function tidy()
  local at = 1
  while at <= #s.holds do
    local lost = s.holds[at]
    if lost.lease <= now then
      table.remove(s.holds, at)
      s.bytes = s.bytes + lost.limit
      if s.pin ~= '' then s.pinned = 1 end
      for _, u in ipairs(s.uses) do
        if u.id == lost.part and u.done == 0 then
          u.done = lost.lease
          s.spent = s.spent + 1
        end
      end
    else
      at = at + 1
    end
  end
  at = 1
  while at <= #s.uses do
    local u = s.uses[at]
    if not within_grace(u) and not is_held(u) then
      table.remove(s.uses, at)
      if u.done == 0 then give_up(u.got) end
    else
      at = at + 1
    end
  end
end

local function fits(use, ask, want)
  if ask ~= 'download' or want < 0 then return false end
  local sum = use.got + want
  for _, h in ipairs(s.holds) do
    if h.part == use.id then
      if h.want < 0 then return false end
      sum = sum + h.want
    end
  end
  return use.done == 0 and s.size > 0 and sum <= s.size
end

-- the use that a request is part of: 0 none, an id, or -1 for a new one; nil if it may not be
local function part(client, ask, want, max)
  if max < 0 then return 0 end
  for at = #s.uses, 1, -1 do
    local u = s.uses[at]
    if u.client == client then
      if fits(u, ask, want) or within_grace(u) then return u.id end
      break
    end
  end
  local taken = s.spent
  for _, u in ipairs(s.uses) do
    if u.done == 0 then taken = taken + 1 end
  end
  if taken < max then return -1 end
  return nil
end

local function allot(ask, want, max)
  local held = 0
  for _, h in ipairs(s.holds) do held = held + h.limit end
  local unused = math.max(max - s.bytes, 0)
  local free = math.max(unused - held, 0)
  local least, wanted = 1, free
  if ask == 'upload' and want >= 0 then
    least, wanted = want, want
  elseif ask == 'download' and want >= 0 then
    wanted = math.max(want, 1)
  end
  if least > unused then return nil, 'bytes' end
  if least > free then return nil, 'busy' end
  return math.min(wanted, free), nil
end

local function reserve(token, client, ask, want, max_uses, max_bytes, network, till)
  tidy()
  s.till = math.max(s.till, till)
  for _, h in ipairs(s.holds) do
    if h.token == token then return 'granted', max_bytes >= 0 and h.limit or -1 end
  end
  if s.pin ~= '' and network ~= '' and s.pin ~= network then return 'pin', 0 end
  local id = part(client, ask, want, max_uses)
  if not id then return 'uses', 0 end
  if ask == 'look' then return 'granted', -1 end
  local limit = -1
  if max_bytes >= 0 then
    local free, refusal = allot(ask, want, max_bytes)
    if refusal then return refusal, 0 end
    limit = free
  end
  if id == -1 then
    id = token
    table.insert(s.uses, { id = token, client = client, last = now, done = 0, got = s.carry, begun = 0 })
    s.carry = 0
  end
  if s.pin == '' then s.pin = network end
  local known = ask == 'download' and want or -1
  table.insert(s.holds, { token = token, part = id, lease = now + LEASE, limit = math.max(limit, 0), want = known })
  return 'granted', limit
end

local function keep(token, size, length)
  for _, h in ipairs(s.holds) do
    if h.token == token then
      h.lease = now + LEASE
      if length >= 0 then
        h.want = length
        h.limit = math.min(h.limit, length)
        if size > 0 then s.size = size end
      end
      for _, u in ipairs(s.uses) do
        if u.id == h.part then u.last = math.max(u.last, now) end
      end
    end
  end
end

local function settle(token, got, size, whole, moved)
  local hold
  for at, h in ipairs(s.holds) do
    if h.token == token then
      hold = table.remove(s.holds, at)
      break
    end
  end
  if not hold then
    -- its beginning may still come: over a connection that was given up in between
    redis.call('SET', KEYS[2], '', 'PX', LATE)
    return
  end
  local delivered = got > 0 or whole == 1
  s.bytes = s.bytes + moved
  if size > 0 then s.size = size end
  for at, u in ipairs(s.uses) do
    if u.id == hold.part then
      u.got = u.got + got
      if delivered then
        u.last = math.max(u.last, now)
        u.begun = 1
      end
      if u.done == 0 and (whole == 1 or (got > 0 and s.size > 0 and u.got >= s.size)) then
        u.done = now
        s.spent = s.spent + 1
      elseif u.done == 0 and not is_held(u) and u.begun == 0 then
        table.remove(s.uses, at)
        give_up(u.got)
      end
      break
    end
  end
  if delivered then
    if s.pin ~= '' then s.pinned = 1 end
  elseif s.pinned == 0 and #s.holds == 0 then
    s.pin = ''
  end
  tidy()
end

local function save()
  local blank = s.spent == 0 and s.carry == 0 and s.bytes == 0 and s.pin == '' and #s.uses == 0 and #s.holds == 0
  if blank then
    if raw then redis.call('DEL', KEYS[1]) end
    return
  end
  local uses, holds = {}, {}
  for at, u in ipairs(s.uses) do uses[at] = { u.id, u.client, u.last, u.done, u.got, u.begun } end
  for at, h in ipairs(s.holds) do holds[at] = { h.token, h.part, h.lease, h.limit, h.want } end
  local packed = cmsgpack.pack({ s.spent, s.carry, s.size, s.bytes, s.pin, s.pinned, s.till, uses, holds })
  if packed ~= raw then redis.call('SET', KEYS[1], packed, 'PXAT', string.format('%.0f', s.till)) end
end

local function number(at) return tonumber(ARGV[at]) end
local step = ARGV[1]
if step == 'reserve' then
  if redis.call('EXISTS', KEYS[2]) == 1 then return { 'busy', '0' } end
  local said, limit =
    reserve(number(4), ARGV[5], ARGV[6], number(7), number(8), number(9), ARGV[10], number(11))
  save()
  return { said, string.format('%.0f', limit) }
elseif step == 'keep' then
  keep(number(4), number(5), number(6))
  save()
  return { 'kept', '0' }
elseif step == 'settle' then
  settle(number(4), number(5), number(6), number(7), number(8))
  save()
  return { 'settled', '0' }
end
-- look: every field as text, lists after their lengths
if not raw then return {} end
local out = {}
local function put(value)
  table.insert(out, type(value) == 'number' and string.format('%.0f', value) or value)
end
for _, value in ipairs({ s.spent, s.carry, s.size, s.bytes, s.pin, s.pinned, s.till, #s.uses }) do put(value) end
for _, u in ipairs(s.uses) do
  for _, value in ipairs({ u.id, u.client, u.last, u.done, u.got, u.begun }) do put(value) end
end
put(#s.holds)
for _, h in ipairs(s.holds) do
  for _, value in ipairs({ h.token, h.part, h.lease, h.limit, h.want }) do put(value) end
end
return out
