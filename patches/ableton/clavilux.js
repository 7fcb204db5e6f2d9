// Scene launches of Live: a scene called "cx:tidal" asks the engine for the patch "tidal" when it starts to play.
// What follows the name after a space is the performer's own: "cx:tidal second verse".
autowatch = 1;
inlets = 1;
outlets = 1;

var PREFIX = "cx:";
var song = null;
var scenes = []; // one observer each
var waiting = -1; // the scene that blinks, if one does

// From live.thisdevice: only from then on Live answers.
function bang() {
    if (song === null) {
        song = new LiveAPI(songChanged, "live_set");
        song.property = "scenes";
    }
}

function songChanged(args) {
    if (args[0] === "scenes") {
        forget();
        var count = song.getcount("scenes");
        for (var index = 0; index < count; index += 1) {
            scenes.push(follow(index));
        }
    }
}

function follow(index) {
    var scene = new LiveAPI(function (args) {
        if (args[0] === "is_triggered") {
            blinked(index, Number(args[1]) === 1);
        }
    }, "live_set scenes " + index);
    scene.property = "is_triggered";
    return scene;
}

// A launched scene blinks until its bar has come, then plays. One that stops blinking for another scene, or because Live
// was stopped, has not been launched.
function blinked(index, on) {
    if (on) {
        waiting = index;
    } else if (index === waiting) {
        waiting = -1;
        if (Number(song.get("is_playing")) === 1) {
            launched(scenes[index].get("name"));
        }
    }
}

function launched(name) {
    var words = (name instanceof Array ? name.join(" ") : String(name)).split(" ");
    var patch = words[0].substring(PREFIX.length);
    if (words[0].substring(0, PREFIX.length) === PREFIX && patch !== "") {
        outlet(0, "/patch/load", patch);
    }
}

function forget() {
    for (var index = 0; index < scenes.length; index += 1) {
        scenes[index].property = "";
        scenes[index].id = 0;
    }
    scenes = [];
    waiting = -1;
}

function notifydeleted() {
    forget();
    if (song !== null) {
        song.property = "";
    }
}
