-- ARGV parts, then the parts (lib/parts.lua): KEYS two for each step, a user's hash in a table and the table's index; ARGV
-- count of steps, then per step: user, count of writes, writes (field, value), count of deletions, fields. A user is in a
-- table's index while their hash has fields.

--- @include "lib/parts.lua"

return eachPart(2, function(k, at)
  local function take()
    at = at + 1
    return ARGV[at - 1]
  end
  for _ = 1, tonumber(take()) do
    local hash, index, user = KEYS[k], KEYS[k + 1], take()
    k = k + 2
    for _ = 1, tonumber(take()) do redis.call('HSET', hash, take(), take()) end
    for _ = 1, tonumber(take()) do redis.call('HDEL', hash, take()) end
    if redis.call('EXISTS', hash) == 1 then redis.call('ZADD', index, 0, user) else redis.call('ZREM', index, user) end
  end
  return 1
end)
