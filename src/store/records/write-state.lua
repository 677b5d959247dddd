-- ARGV prefixes of hashes and of indexes, count of steps, then per step: table, user, count of writes, writes (field,
-- value), count of deletions, fields. A user is in a table's index while their hash has fields.

local at = 4
local function take()
  at = at + 1
  return ARGV[at - 1]
end
for _ = 1, tonumber(ARGV[3]) do
  local tableName, user = take(), take()
  local hash, index = ARGV[1] .. tableName .. ':' .. user, ARGV[2] .. tableName
  for _ = 1, tonumber(take()) do redis.call('HSET', hash, take(), take()) end
  for _ = 1, tonumber(take()) do redis.call('HDEL', hash, take()) end
  if redis.call('EXISTS', hash) == 1 then redis.call('ZADD', index, 0, user) else redis.call('ZREM', index, user) end
end
return 1
