// Requests to the admin service that this page came from. An error carries the words of its problem+json.
class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function request(path, { method = "GET", headers = {}, body } = {}) {
  const answer = await fetch(path, { method, headers: { Accept: "application/json", ...headers }, body, cache: "no-store" });
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({}));
  throw new Refused(answer.status, problem.detail || problem.title || `the answer was ${answer.status}`);
}

const readJson = async (path) => (await request(path)).json();

// Does what a button is for, and says in the notice why it could not.
async function attempt(work, done) {
  try {
    const result = await work();
    notify("");
    if (done) done(result);
  } catch (error) {
    notify(error.message);
  }
}
