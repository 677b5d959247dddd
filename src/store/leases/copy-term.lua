-- KEYS a shard's copy of the stream's term. ARGV term. An older one never takes the place of a newer one.

local found = redis.call('GET', KEYS[1])
if found and tonumber(found) > tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
return 1
