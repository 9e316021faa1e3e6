// When and where the fixtures' outage takes place.
export const START_MS = Date.UTC(2026, 10, 21, 3, 12, 4);
export const NGINX = "/etc/nginx/nginx.conf";
