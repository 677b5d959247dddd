-- KEYS lanes, total. ARGV lane prefix, lanes. Empties those lanes; returns how many envelopes that were.

local count = 0
for i = 2, #ARGV do
  local laneKey = ARGV[1] .. ARGV[i]
  count = count + redis.call('LLEN', laneKey)
  redis.call('UNLINK', laneKey)
  redis.call('ZREM', KEYS[1], ARGV[i])
end
if count > 0 then redis.call('DECRBY', KEYS[2], count) end
return count
