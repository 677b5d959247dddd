-- A call has a part for each shard (and right) that it writes to. KEYS of a part: the key that holds the term, then its own.
-- ARGV of a part: the term that the caller writes under ('' = none is compared), how many keys and how many arguments of
-- its own follow. The work of a part whose term is another's now is not done: its answer is 'STALE'.

local function isStale(termKey, term)
  return term ~= '' and redis.call('GET', termKey) ~= term
end

local function eachPart(at, work)
  local k, answers = 1, {}
  for part = 1, tonumber(ARGV[at - 1]) do
    local keyCount, argCount = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
    answers[part] = isStale(KEYS[k], ARGV[at]) and 'STALE' or work(k + 1, at + 3)
    k = k + 1 + keyCount
    at = at + 3 + argCount
  end
  return answers
end
