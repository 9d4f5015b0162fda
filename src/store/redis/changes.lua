-- What changed in the list of revocations since a number; entries whose end is long over are dropped on the way.
-- KEYS: the numbers, the entries, the ends, the last number, the name of the list. ARGV: the number, how many at most,
-- a name for the list should it have none: one that was lost and made anew has another.
local time = redis.call('TIME')
local over = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', time[1] * 1000, 'LIMIT', 0, 200)
for _, id in ipairs(over) do
  redis.call('HDEL', KEYS[2], id)
  redis.call('ZREM', KEYS[1], id)
  redis.call('ZREM', KEYS[3], id)
end
local name = redis.call('GET', KEYS[5])
if not name then
  name = ARGV[3]
  redis.call('SET', KEYS[5], name)
end
local out = { name }
local found = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[2])
for at = 1, #found, 2 do
  table.insert(out, found[at + 1])
  table.insert(out, redis.call('HGET', KEYS[2], found[at]) or '')
end
return out
