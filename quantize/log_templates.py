# ruff: noqa: E501 - one shape is one line, so that a shape can be found and judged at a glance
"""Messages of machines and computers, written for this project: the generator's raw material.

One line is one shape: ``{a|b|c}`` chooses, ``{}`` with a name from :mod:`quantize.log_lines` fills
a slot, an empty choice drops the word.  A block belongs to one category and severity of the
taxonomy (design, §6), after the conventions of the shared data's README: recovered is normal,
pre-alarms and "please do" are warnings, fire, E-stop, collision and "permanent" are critical.
"""

ROUTINE = """
{motor} {started|stopped|running|is running|start command received|at {setpoint|target} speed}
{motor} speed {reached|setpoint changed to} {rpm}
{part} {temperature|temp} {ok|normal|within {range|limits}|back to normal|returned to normal|stable} {at {degc}|}
{part} temperature {degc}
{quantity} {back in range|within limits|within tolerance|normal|returned to normal|recovered}
{quantity} {alarm|warning|fault} {cleared|reset|gone|acknowledged|no longer active|inactive}
{fault} {cleared|reset by operator|acknowledged|has been cleared|recovered|no longer present|resolved}
{no error|no fault|no alarm|no errors|error free|no active alarms|no warnings} {present|active|pending|}
{alarm|fault|error|event} {log|list|memory|history} {cleared|deleted|exported|read}
{emergency stop|E-stop|emergency stop button|safety gate|guard door|light curtain} {reset|released|acknowledged|closed and locked}
{safety circuit|safety chain|interlock|guard} {closed|ok|healthy|confirmed}
{door|cover|hood|guard} closed
{machine|line|station|cell|robot|press|plant} {ready|idle|in automatic|in automatic mode|started|stopped by operator|in standby|running|state changed to run|cycle complete}
{operator|user|shift leader} {operator|} {acknowledged alarm|pressed start|pressed stop|changed recipe|selected manual mode|reset fault|released hold}
mode changed from {auto|manual|setup|idle} to {auto|manual|setup|run}
{program|recipe|job|order|batch|cycle} {name} {loaded|started|finished|completed|selected|saved} {successfully|}
part {count|counter} {num} {good|ok|}
cycle time {seconds}
tool {num} {loaded|changed|selected|measured|in spindle}
axis {num} {homed|referenced|homing complete|enabled|in position|at target position|disabled by command}
{homing|reference run|calibration|zeroing|self test|self-test|battery test|lamp test} {completed|passed|successful|finished|ok|started|in progress}
{spindle|conveyor|pump|fan|compressor|mixer} {on|off|start|stop|enabled|disabled}
{valve|damper|gripper|clamp|brake|contactor|relay} {opened|closed|released|engaged|switched on|switched off}
{oil|coolant|water|hydraulic|air} {level|pressure|flow} {ok|normal|restored|sufficient} {at {bar}|}
{tank|reservoir|silo|hopper} {refilled|level normal|full level reached|filling complete}
filter {changed|replaced|reset} {service counter reset|}
lubrication {cycle|pulse} {done|completed|started}
maintenance {interval|counter|timer} reset
{battery|accumulator} {fully charged|charging|charge complete|state of charge {percent}|float charge|on charge}
{mains|grid|utility|line} {power|supply|voltage} {restored|returned|ok|normal|available again}
{ups|inverter|rectifier} {on line|online|in normal operation|transferred back to utility|on bypass by operator|feeding grid|in standby|synchronised}
generator {started|stopped|in standby|exercise run complete|synchronised}
{fan|power supply|disk|drive|module|card|battery} {num|} {inserted|detected|present|added|replaced|redundancy restored|is back online|returned to service}
{new device|device|module|slave|node|station} {name} {detected|connected|joined|registered|operational|online|added}
{communication|connection|link|session|bus} {to|with} {peer} {established|restored|re-established|opened|up|ok}
{link|port|interface|eth{num}|carrier} {up|is up|online|came up} {speed {num} Mbps|full duplex|}
{interface|port} {name} changed state to up
{connected|reconnected|subscribed} to {peer} {port {num}|}
{heartbeat|keepalive|life sign|watchdog} {received|ok|sent|resumed|alive} {from {peer}|}
{clock|time} synchronised {to|with} {peer} {offset {ms}|}
{slave|node} {num} {state|changed to} {operational|pre-operational|OP|SAFE-OP} {requested|reached|}
{firmware|software|program|plc program|configuration} {update|download|upload} {completed|successful|started|verified|finished}
{configuration|parameters|settings|recipe|backup} {saved|loaded|restored|applied|written|unchanged}
{firmware|software|kernel|bios|controller|plc} version {version}
{controller|plc|cpu|drive|system|server} {boot|start-up|startup|initialisation|restart} {complete|completed|done|in progress|initiated by operator|initiated by power up}
{cpu|plc} {in run mode|switched to run|state run|operating mode changed to run}
{user|operator} {user} {logged in|logged out|login successful|logged on|signed out} {from {ip}|}
session {opened|closed} for user {user} {by uid={num}|}
{accepted|successful} {password|publickey|login|key} for {user} from {ip} port {num}
connection from {ip} {accepted|closed|} {at {time}|}
{starting|started|stopping|stopped} {service} {service|daemon|}
{service} {startup|shutdown} {succeeded|complete}
{service}: {ready|listening on port {num}|listening on {ip}|waiting for connections|reload complete|exited normally|configuration reloaded}
{registered|registering|unregistered|initialized|initializing|loaded|loading} {module|driver|plugin|component|handler|listener|protocol family|capability} {name}
{cpu|processor|core} {num}: {online|initialised|cache {num} KB|enabled|{num} MHz detected}
memory: {num}K/{num}K available
{total|free|used} memory {size} {free {size}|}
{usb|pci|scsi|sata} {device|hub|controller|bus} {name} {found|detected|registered|at irq {num}|using driver {name}}
{mounted|mounting|remounted} filesystem {path} {with ordered data mode|read-write|}
freeing {unused|} {kernel|initrd} memory {size} {freed|}
{console|keyboard|framebuffer|timer|clocksource} {name} {registered|enabled|switching to {name}}
real time clock driver version {version}
{received|receiving|sending|sent|transmitted} {block|packet|chunk|message|frame|file|request|response} {id} of size {num} {from {ip}|to {ip}|}
{block|chunk|replica} {id} {verified|replicated to {ip}|added to {ip}|deleted|removed|stored on {ip}}
{allocated|allocating|released|deleted} {block|buffer|container|resource|slot|lease} {id} {for {name}|}
{running|finished|starting|launching|assigned|completed|submitted} {task|job|stage|attempt|thread|worker} {num} {in {ms}|on {host}|with {num} bytes result|}
{task|job|container|instance|application|attempt} {id} {transitioned|moved|changed} from {state} to {state}
{progress|status} of {task|job|update} {id} is {percent}
{instance|container|vm|pod} {id}: {started|paused|resumed|stopped as requested|created|scheduled}
took {seconds} to {build|create|destroy|start|stop|process} {instance|the job|image|container}
"{GET|POST|PUT|DELETE} {path} HTTP/1.1" {status: |}{200|201|202|204} {len: |}{num} {time: {num}|}
{tunnel|socket|channel} {host}:{num} {open|opened|closed after {num} bytes|closed by client}
{image|file|cache|blob} {path} {in use|checked|is active|downloaded|saved|found locally}
{limit|quota|total|available|usable} {cpu|memory|disk} {num} {used {num}|not specified, defaulting to unlimited|}
{disabled|enabled} {by policy|by configuration|feature {name}|cache|debug output|logging to {path}}
{property|option|parameter|key} {name} is deprecated, {use {name} instead|instead use {name}}
{camel}: {state|value|mode|result|enabled|visible}={bool}
{camel}() {called|returned {bool}|result={num}|type={num}|done|enter|exit}
{camel} {mode={num}, flags={hex}|value={num}|state changed {bool}|id {id}|success}
{on|handle}{Camel} {action|event|intent|broadcast}: {name}
{register|gpr|instruction address|program counter|stack pointer|link register|status register}: {hex} {hex}
{control register|mask|flag|status} bit {enable|set|state|pending}{ .. |:|=} {num}
{wake|sleep|resume|suspend} {reason|request|event|timer} {num} {by user|scheduled|}
{wakelock|lock|suspend blocker|lease} "{name}" {acquired|released|acquiring|releasing} {flags={hex}|}
{screen|display|backlight|indicator} {on|off|brightness {num}|state {num}|dimmed}
{scheduled|scheduler|timer}: {job|activity|event} {name} {will run in {seconds}|is not due yet|executed|queued}
{received|caught} signal {num}, {reloading|shutting down cleanly}
{dns|dhcp|ntp|lease}: {renewed|offer from {ip}|ack from {ip}|address {ip} assigned|bound to {ip}}
{command|request|operation|query} {num|} {completed successfully|accepted|queued|has completed|finished with status 0|succeeded|done}
{restart|retry|reconnect|recovery} {successful|succeeded|completed}
{test|diagnostic|diagnosis} {passed|ok|successful|result good}
{log|journal|audit log|trace} {rotated|started|opened|cleared by user|file {path}}
{measured|actual|current} {value|torque|speed|pressure|level|flow} {num} {setpoint {num}|}
{step|phase|sequence} {num} {done|active|started|of {num} completed}
{automatic|remote|manual|local} {start|stop|shutdown|reset} {by operator|requested|command|}
{heating|cooling|defrost|drying|rinsing|cleaning} {started|finished|active|complete}
{setpoint|target|limit} changed from {num} to {num} by {user}
{ambient|inlet|outlet|room} value {num}
{running|halt|boot|wait|normal|ok|ready|idle|active}
{redundancy|cluster|node|quorum} {regained|member joined|in sync|restored|formed}
{license|certificate} {valid|installed|renewed|accepted}
{Anlage|Maschine|Linie|Antrieb|Motor|Pumpe} {bereit|gestartet|läuft|gestoppt durch Bediener|im Automatikbetrieb|eingeschaltet|ausgeschaltet}
{Störung|Fehler|Alarm|Meldung} {quittiert|behoben|gegangen|zurückgesetzt}
{Verbindung|Kommunikation} {hergestellt|wiederhergestellt|in Ordnung}
{Temperatur|Druck|Füllstand|Drehzahl} {normal|in Ordnung|wieder im Bereich}
Referenzfahrt {beendet|abgeschlossen|gestartet}
Not-Halt {quittiert|entriegelt}
{Programm|Rezept|Auftrag} {geladen|gestartet|beendet|fertig}
"""

FAULTS: dict[tuple[str, str], str] = {
    ("mechanical", "error"): """
{motor|axis {num}|spindle|conveyor|feeder|rotor|drum|door drive} {jammed|blocked|stuck|stalled|seized|does not move|is blocked}
{jam|blockage|paper jam|material jam|part jam|obstruction} {detected|} {at|in} {station {num}|feeder|infeed|gripper|conveyor {num}}
{following|position|lag|contouring|tracking} {error|deviation} {too large|exceeded|excessive|limit exceeded|} {axis {num}|}
{axis|joint} {num} {position|velocity|speed} {deviation|lag} {exceeds limit|too large|excessive}
{overspeed|over speed|speed too high|speed exceeds maximum|overspeed trip} {axis {num}|spindle|motor|turbine|engine|}
{bearing} {damage|defect|fault|failure|worn out|outer race defect|noise} {detected|}
{vibration|vib} {too high|high-high|exceeds trip limit|alarm|limit exceeded} {on {motor}|{mms}|}
{gear|gearbox|belt|coupling|shaft|chain|spring} {broken|failure|fault|damaged|slipping|torn|broken tooth}
{brake} {failed to release|does not open|not released|stuck|slipping|test failed|wear limit reached|failure|holding torque too low}
{homing|reference run|referencing|axis initialisation} {failed|not completed|aborted|timeout|error} {axis {num}|}
{unable|failed} to {find home|reach position|move to target|retract|extend cylinder|clamp part|pick part|place part}
{gripper|clamp|chuck|tool changer|magazine} {failed to {open|close}|did not reach end position|lost part|not clamped|malfunction|tool not released}
{wheel|brush|roller|cutter|blade|knife} {stuck|blocked|jammed|broken|worn out|tangled}
{plate|tube|rack|pallet|box|carton|label|tip} {not found|missing|dropped|not picked|stuck|transport error|handling error}
{unbalance|imbalance|misalignment|looseness} {detected|too high|alarm} {on {motor}|}
{peak|maximum} torque exceeded {on axis {num}|}
{compressor|engine|turbine} {surge|failed to start|stalled|mechanical failure|overcrank}
{Motor|Achse {num}|Spindel|Förderband|Rührwerk} {blockiert|klemmt|schwergängig|steht}
{Schleppfehler|Schleppabstand zu groß|Lagerschaden|Getriebeschaden|Bremse öffnet nicht|Werkzeugbruch|Überdrehzahl|Referenzfahrt fehlgeschlagen} {Achse {num}|}
{Schwingung|Vibration} zu hoch
""",
    ("mechanical", "warning"): """
{vibration} {high|elevated|pre-alarm|warning|rising|above warning limit} {on {motor}|{mms}|}
{brake|belt|tool|bearing|brush|blade|seal} {wear|worn} {warning|limit soon reached|replace soon|detected}
{please|} {replace|check|clean|tighten|lubricate} {belt|brush|bearing|wheel|cutter|roller|chain}
{tool life|tool} {nearly expired|warning|wear {percent}}
{remove|please remove} {obstacle|jammed part|material} {and retry|}
{maintenance|service} {due|overdue} for {bearing|gearbox|spindle}
{load|torque} on axis {num} {high|above {percent}}
{Werkzeugverschleiß|Lagerverschleiß|Vibration erhöht|Bremsbelag prüfen}
""",
    ("mechanical", "critical"): """
{collision|crash} {detected|with obstacle|} {axis {num}|robot|gantry|}
{runaway|axis runaway|motor runaway|uncontrolled motion} {detected|}
{Kollision erkannt|Kollision Achse {num}}
""",
    ("thermal", "error"): """
{part} {overtemperature|over temperature|overheated|overheating|too hot|temperature too high|over-temperature trip|thermal shutdown|overheat fault}
{part} temperature {degc} {exceeds|above|over} {limit|maximum|shutdown limit|trip limit} {degc|}
{OVERTEMP|OVER_TEMP|OVERTEMPERATURE|TEMP_HIGH|THERMAL_TRIP|OVERHEAT} {_FAULT|_ERROR|_ALARM|} {{part}|}
{part} {temperature too low|under temperature|undertemperature|too cold|freeze protection active}
{fan|cooling fan|exhaust fan|cabinet fan|blower} {num|} {failed|failure|stopped|not running|speed too low|stalled|rpm low|fault|blocked|locked}
{cooling|heater|heating|chiller|heat exchanger|air conditioning|refrigeration} {failure|fault|malfunction|failed|not reaching setpoint|element defective|inoperative}
{heater|nozzle|bed|oven|zone {num}} {not heating|failed to reach temperature|heating failed|heating too slow}
{humidity|dew point|condensation|icing} {too high|detected|out of range|alarm}
thermal {overload|protection|cutout|switch} {tripped|activated|open}
{motor} {winding|stator|} temperature {high alarm|HH|high-high|alarm}
{Übertemperatur|Temperatur zu hoch|Überhitzung|Untertemperatur|Temperaturabschaltung} {Motor|Umrichter|Kühlkörper|Schaltschrank|Lager|}
{Lüfter|Kühlung|Heizung|Klimagerät} {ausgefallen|Störung|defekt|blockiert}
{cpu|board|ambient|inlet|gpu|dimm} temp {num|} {upper critical going high|above critical threshold|exceeded}
""",
    ("thermal", "warning"): """
{part} temperature {high|elevated|warning|pre-alarm|rising|near limit|above warning threshold} {degc|}
{temperature|thermal} {derating|pre-warning|warning|throttling} {active|}
{clean|check|please check|replace} {fan|cooling|air inlet|heat sink|radiator|cooling vents}
{cpu|processor|core} {clock|frequency|} throttled because of temperature
fan {redundancy lost|speed low warning|wear|noise} {num|}
Temperatur {erhöht|Vorwarnung|Warnung}
""",
    ("thermal", "critical"): """
thermal runaway {detected|} {heater {num}|battery|}
{part} temperature {crossed|above} {upper fatal|fatal|critical emergency} {threshold|limit}
""",
    ("electrical", "error"): """
{overcurrent|over current|over-current|current limit exceeded|current too high} {fault|trip|protection|} {phase {num}|{motor}|output|input|motor|{amp}|}
{overvoltage|over voltage|undervoltage|under voltage|voltage too low|voltage too high} {fault|trip|} {{busbar}|}
{busbar} {overvoltage|undervoltage|voltage high|voltage low|voltage out of range|collapsed|imbalance}
{OVERCURRENT|OVER_CURRENT|UNDERVOLTAGE|OVERVOLTAGE|DC_BUS_OV|PHASE_LOSS|OVERLOAD} {_FAULT|_ERROR|_TRIP|}
{phase|mains phase|input phase|motor phase} {num|} {loss|lost|missing|failure|open|imbalance}
{mains|grid|utility|supply|line} {failure|lost|power lost|power failure|outage|fault|voltage out of range|frequency out of range|disconnected}
{grid} {over frequency|under frequency|frequency too high|frequency too low|unstable|loss|voltage fault}
{motor|drive|axis|servo|transformer|generator} {overload|overloaded|I2t overload|overload trip|thermal overload relay tripped} {{amp}|}
{insulation|isolation|residual current|leakage current|arc|gfci} {fault|too low|resistance low|too high|monitoring tripped|detected}
{fuse|circuit breaker|breaker|contactor|relay|mccb|surge arrester} {blown|tripped|open|welded|fault|does not close|stuck|feedback missing|defective}
{power supply|psu|24 V supply|rectifier|charger|converter} {num|} {failed|failure|fault|lost|defective|input lost|output voltage low|no output}
{battery|cell|accumulator|string} {num|} {fault|failure|low voltage|overvoltage|disconnected|not charging|depleted|imbalance|deep discharge|reversed}
{inverter|igbt|power stage|power module|gate driver|drive} {fault|desaturation|failure|defective|hardware overcurrent|dc link fault|trip}
{braking resistor|brake chopper|regeneration|precharge|dc link} {overload|fault|circuit open|failed|timeout|overvoltage}
{ups} {on battery failure|overload|output fault|bypass not available|internal fault|battery exhausted}
{cos phi|power factor|reactive power|neutral} {fault|out of range|lost}
{cable|wire|wiring|solenoid|coil|lamp|injector} {break|broken|open circuit|circuit malfunction|disconnected|defective}
{Überstrom|Unterspannung|Überspannung|Phasenausfall|Netzausfall|Sicherung ausgelöst|Motorschutz ausgelöst|Erdungsfehler im Zwischenkreis|Überlast|Isolationsfehler|Zwischenkreisspannung zu hoch} {Antrieb|Umrichter|Achse {num}|}
{Netzteil|Batterie|Schütz|Motorschutzschalter} {defekt|ausgefallen|ausgelöst|Störung}
{system|chassis|unit} power {failure|fault|problem|lost|control failure}
""",
    ("electrical", "warning"): """
{battery} {low|charge low|weak|needs replacement|replace battery|capacity reduced|state of charge {percent}}
{ups} {on battery|running on battery|switched to battery|near overload|on bypass}
{voltage|current|power|load|frequency} {high|low|near limit|pre-alarm|warning|derating active|above warning limit}
{power|output|current|charge} {limited|reduced|derated} {because of grid voltage|by settings|}
{power supply|psu} redundancy {lost|degraded}
{check|please check} {wiring|fuse|battery|charger|power cable|mains connection}
{charging contacts|charger|dock} {dirty|not connected to power}
{Batterie schwach|Spannung niedrig|Überlast Vorwarnung}
""",
    ("electrical", "critical"): """
{short circuit|short-circuit|output short circuit|short to ground} {detected|} {phase {num}|motor|output|igbt|}
{ground fault|earth fault|ground-fault} {detected|on output|motor cable|}
{Kurzschluss|Erdschluss} {Motor|Ausgang|erkannt|}
""",
    ("hydraulic_pneumatic", "error"): """
{hydraulic|oil|air|compressed air|vacuum|coolant|lube oil|fuel|water|gas|brake} pressure {too low|too high|low alarm|lost|out of range|fault|below minimum|above maximum} {{bar}|}
{oil|coolant|fuel|water|hydraulic|grease} {level too low|level low low|empty|tank empty|leak detected|leakage|flow lost|flow too low|supply failure}
{leak|leakage|oil leak|air leak|water leak|refrigerant leak} {detected|at {valve|pump|cylinder|hose|fitting}}
{valve|proportional valve|solenoid valve|check valve} {num|} {stuck|does not open|does not close|position error|failure|feedback missing|leaking}
{pump|hydraulic pump|vacuum pump|dosing pump} {cavitation|dry run|no pressure|lost prime|failure|fault|no flow}
{cylinder|actuator} {num} {did not reach|not in} end position within {seconds}
{filter|strainer|oil filter|intake|nozzle} {clogged|blocked|differential pressure too high}
{vacuum|suction} {not reached|lost|too low|fault}
{aspiration|dispense|liquid|clot|pipetting|wash} {error|not detected|failed|no liquid|insufficient volume}
{tank|bin|tray|water tank} {empty|overflow|full|missing}
{hose|seal|fitting|pipe} {burst|broken|leaking|ruptured}
{Druck zu niedrig|Druckabfall|Öldruck zu gering|Hydraulikdruck fehlt|Leckage erkannt|Ölstand zu niedrig|Durchfluss zu gering|Druckluft fehlt|Vakuum nicht erreicht|Filter verstopft}
""",
    ("hydraulic_pneumatic", "warning"): """
{oil|coolant|water|fuel|grease|reagent|ink} level {low|warning|pre-alarm|refill soon}
{refill|fill up|please refill|top up|empty} {oil|coolant|water tank|lubricant|fuel|waste tank}
{filter} {dirty|service due|pressure drop high|replace soon|nearly clogged}
{air|hydraulic|oil} pressure {low warning|falling|unstable|near limit} {{bar}|}
{Füllstand niedrig|Ölstand niedrig|Filter wechseln|Kühlmittel nachfüllen}
""",
    ("sensor", "error"): """
{sensor} {num|} {failure|failed|fault|defective|error|malfunction|broken|no signal|signal lost|not responding|implausible|out of calibration}
{sensor} {open circuit|wire break|broken wire|short circuit to supply|disconnected|not connected|not detected|missing}
{encoder|resolver|hall sensor} {signal lost|error|index missing|count error|communication error|loss|fault|incorrect phasing|battery voltage low, position lost}
{ENCODER|SENSOR|RESOLVER|PROBE} {_LOSS|_FAULT|_ERROR|_FAIL|_TIMEOUT} {axis {num}|}
{wire break|sensor break|open thermocouple|cable break} {at analog input {num}|on channel {num}|}
{calibration|zero point|offset} {of {sensor} |}{failed|error|invalid|expired|lost|out of range}
{signal|reading|measured value|measurement} {implausible|invalid|frozen|not plausible|unreliable|noisy|missing} {from {sensor}|channel {num}|}
{camera|lidar|scanner|barcode reader|vision system|gps|imu|gyro|accelerometer} {failure|not found|no image|error|blocked|initialisation failed|lost signal|calibration failed}
{analog input|channel} {num} {below 4 mA|over range|under range|signal fault}
sensor mismatch between {sensor} and {sensor}
{Geberfehler|Drahtbruch|Sensor defekt|Fühlerbruch|Gebersignal fehlt|Messwert unplausibel|Drehgeber Störung|Kamera Fehler} {Achse {num}|Kanal {num}|}
""",
    ("sensor", "warning"): """
{sensor} {drift|dirty|contaminated|weak signal|signal weak|needs calibration|calibration due|reading unstable}
{clean|please clean|wipe|check|recalibrate} {sensor|camera lens|lidar|scanner window|probe|encoder}
gps {signal weak|accuracy low}
{Sensor verschmutzt|Kalibrierung fällig}
""",
    ("communication", "error"): """
{communication|connection|link|comms|bus communication} {lost|failure|failed|error|interrupted|timeout|timed out|broken} {to|with|} {peer|}
{COMM|COM|LINK|NETWORK|FIELDBUS|CAN|HEARTBEAT} {_LOST|_TIMEOUT|_ERROR|_FAIL|_FAULT} {node {num}|}
{bus} {error|off|timeout|fault|passive|not operational|communication error|cycle missed|frame lost|master lost}
{slave|node|station|device|module} {num|name} {not responding|lost|no response|offline|unreachable|dropped off the bus|failed to answer}
{heartbeat|life guarding|keepalive|watchdog telegram|node guarding} {lost|timeout|missing|error} {node {num}|{peer}|}
{connection} {refused|reset|reset by peer|aborted|closed unexpectedly|timed out|could not be established} {by {peer}|to {ip}|}
{could not|cannot|failed to|unable to} {connect|reach|resolve|contact} {peer|{host}|server {ip}}
{network|ethernet|link|port|interface} {name|} {down|is down|unreachable|lost carrier|link down|cable unplugged}
{checksum|crc|framing|parity} error {in telegram|in frame|on serial line|received from {peer}|on port {num}}
{invalid|unexpected|malformed|unknown|incomplete} {frame|packet|telegram|response|function code|message type} {received|from {peer}|}
{no|missing} {reply|response|answer|acknowledge} {from {peer}|within {ms}|}
{mqtt|opc ua|modbus|tcp|socket|ssh tunnel|http} {connection|session} {lost|closed|error|timeout|failed|broken pipe}
{error|failure} {reading|writing|receiving|sending} {message|packet|data|from socket|on stream|to {peer}}
{exception|error} while {sending to|receiving from|copying to} {ip}
{Verbindung|Kommunikation|Busverbindung} {unterbrochen|gestört|abgebrochen|verloren} {zu {peer}|}
{Busfehler|Profibus Ausfall|Teilnehmer antwortet nicht|Zeitüberschreitung Kommunikation|Netzwerk nicht erreichbar}
""",
    ("communication", "warning"): """
{retrying|reconnecting|trying again|next attempt} {connection|} {to {peer}|to {host}|} {attempt {num}|in {seconds}|}
{slow|poor|weak|unstable|degraded|intermittent} {link|connection|wifi signal|network|response}
{packet|frame|message} {loss|dropped|lost|discarded|retransmitted} {rate {percent}|num|}
{route|topology|peer address} {change|changed} {noticed|seen} {for {host}|}
{late|missed|duplicate} {telegram|cycle|heartbeat|response} {from {peer}|}
{queue|buffer} to {peer} {nearly full|overflow, dropping oldest}
{timeout|no response} {from|waiting for} {peer}, {retrying|will retry}
network {gone|changed}, {waiting|restarting service}
failed to renew lease
""",
    ("communication", "critical"): """
{permanent|fatal} {communication|link|bus} {failure|loss} {, link severed|, not recoverable}
""",
    ("control_software", "error"): """
{program|task|plc|firmware|application|process|service|software} {error|crashed|crash|aborted|terminated unexpectedly|exception|halted|stopped with error|fault}
{watchdog} {timeout|expired|triggered|reset|error}
{memory|ram|flash|eeprom|nvram|sd card|disk} {error|failure|checksum error|write failed|read failed|corrupt|full|test failed|crc mismatch}
{parameter|setting|configuration|argument|recipe} {name|} {invalid|out of range|missing|not allowed|lost|corrupt|mismatch|too large|wrong type|not supported|incompatible}
{invalid|unknown|illegal|unsupported|undefined} {command|parameter|instruction|state|index|function|operation|mode|request|argument|g-code|handle}
{stack|buffer|queue|array|integer} {overflow|underrun|out of bounds}
{file|program|block|module|object|table} {name|} {not found|missing|cannot be opened|corrupt|does not exist|already exists|access failed|checksum mismatch}
{cannot|failed to|could not|unable to} {load|save|open|read|write|start|initialise|create|execute|allocate|parse|update|delete} {program|configuration|file {path}|parameter set|memory|driver|module {name}|database|process}
{initialization|initialisation|startup|boot|self-test|firmware update|download} {failed|error|incomplete|aborted|failure}
{inverse kinematics|trajectory|path planning|interpolation|singularity} {error|failed|no solution|not reachable|reached}
{cycle time|scan time|task time|real-time} {exceeded|overrun|violation}
{timeout} {waiting for {program|job|task|command} |in step {num} |}{operation timed out|}
{segmentation fault|core dumped|assertion failed|unhandled exception|null pointer|division by zero|stack trace follows|illegal instruction|page fault in kernel}
{license|licence} {expired|missing|not valid for option {name}}
{module|card|hardware|board|option} {mismatch|not configured|wrong type|internal error|failure|incompatible version}
{internal|system|general|unknown|hardware} {error|fault|failure} {code {hex}|num|}
{child process|worker|job|task|container|thread} {id|num} {failed|exited with status {num}|killed|lost|could not be started}
{database|query|table|transaction} {error|locked|failed|rolled back|no such table}
{kernel|bus error|alignment|data address|machine state} exception {at {hex}|interrupt|in process {num}|}
{Programmfehler|Parameterfehler|Speicherfehler|Zykluszeitüberschreitung|CPU im Stopp|Datei nicht gefunden|interner Fehler|Initialisierung fehlgeschlagen|Baugruppe fehlt|Systemfehler}
""",
    ("control_software", "warning"): """
{controller|device|robot|system|axis|resource|drive} {busy|not ready|locked|blocked|in use, try again}
{memory|disk|cpu|flash|buffer|file system} {usage|space} {high|low|above {percent}|nearly full|almost exhausted}
{correctable|corrected|single bit} {ecc|memory|parity|cache} {error|errors} {detected and corrected|num|corrected|at {hex}}
{cache|memory|register} {ecc|bit} error {corrected|repaired|fixed by scrubbing}
{service|process|task|job} {slow|restarted|restart required|delayed|taking longer than expected|will be retried}
{update|new firmware|restart|reboot} {available|required|recommended|needed}
{deprecated call failed|fallback used|default value used} for {parameter|option} {name}
{file|config|key|entry|record} {name} {missing, using default|not found, skipped|ignored}
{unexpected|stale|out of date} {state|value|data|timestamp|entry} {in|for} {name}
writing {crash|memory} dump {for process {num}|}
{vendor|customer|general} {warning|alarm} {num}
command not allowed in {current state|this mode|mode {num}}
{Speicher fast voll|Steuerung beschäftigt|Neustart erforderlich}
""",
    ("control_software", "critical"): """
kernel panic {not syncing|in process {num}|}
{uncorrectable|unrecoverable|fatal} {memory|ecc|machine check|parity|hardware|system|cache|data} {error|exception} {at {hex}|detected|interrupt|}
{fatal|non-recoverable} {error|fault} {controller must be replaced|system halted|}
file system panic {on {host}|}
{cpu|processor|board} {permanently failed|dead|fatal error}
""",
    ("safety", "error"): """
{safety gate|guard door|door|cover|hood|enclosure|panel|front flap} {open|opened|opened during operation|not closed|unlocked|interlock open}
{light curtain|safety mat|laser scanner|two-hand control} {interrupted|violated|tripped|muting error|actuated}
{interlock|safety circuit|safety chain|safety relay|enable circuit} {open|interrupted|tripped|violated|fault|discrepancy}
{positive|negative|upper|lower|hardware|software|hard|soft} {limit|limit switch|travel limit|end stop} {reached|exceeded|triggered|actuated|overrun} {axis {num}|joint {num}|}
{STO|safe torque off|SS1|SLS|safe stop|safe speed} {active|activated|triggered|violation|channel error|discrepancy}
{protective stop|safeguard stop|safety stop|enabling switch released|dead man switch} {active|triggered|violation|}
{safety controller|safety plc|safety module|f-cpu} {fault|in stop|checksum error|passivated}
{axis|joint} {num} {exceeds|out of|beyond} {positive limit|negative limit|working range|travel range}
{tilt|robot lifted|lifted off ground|cliff} detected
{smoke detector|fire extinguisher|emergency light} {fault|malfunction}
{Schutztür offen|Schutzhaube geöffnet|Lichtgitter unterbrochen|Endschalter angefahren|Sicherheitskreis unterbrochen|Endlage überfahren|Zustimmtaste losgelassen|Tür nicht verriegelt}
""",
    ("safety", "critical"): """
{emergency stop|E-stop|estop|EMERGENCY_STOP|emergency stop button|e-stop chain} {pressed|active|activated|triggered|actuated|asserted|}
{fire|smoke|flame|fire alarm} {detected|alarm|in cabinet|}
{gas alarm|explosive gas detected}
{Not-Halt|Not-Aus|NOT-AUS|Nothalt} {betätigt|gedrückt|aktiv|ausgelöst}
{Brandalarm|Rauch erkannt|Feuer erkannt}
""",
    ("safety", "warning"): """
{please close|close|check} {guard door|cover|safety gate|hood}
{approaching|near} {travel limit|end stop|safety zone|joint limit}
{person|obstacle} in {warning zone|protective field}, speed reduced
safety test {due|overdue}
paused because {door|cover|lid} is open
""",
    ("security", "error"): """
{login|authentication|authorization|logon|user authentication} {failed|failure|denied|rejected|error} {for user {user}|from {ip}|for {user} from {ip} port {num}|}
{access|permission|operation} {denied|refused|not permitted} {for user {user}|by protection level|: insufficient privileges|by policy|}
{wrong|invalid|incorrect|bad} {password|pin|credentials|user name|key|token} {entered|for {user}|}
{failed|invalid} {password|user|login} {user} from {ip}
{certificate|signature} {invalid|expired|not trusted|verification failed|revoked|rejected|mismatch}
{intrusion|tamper|theft|unauthorised access|break-in attempt|port scan} {detected|alarm|from {ip}|attempt}
{too many|maximum number of} {failed login attempts|authentication failures} {for {user}|from {ip}|}
{sandbox|selinux|firewall|policy}: {denied|blocked|deny} {operation|access|connection} {to {path}|from {ip}|file-read {path}|}
{secure boot|tls handshake|encryption} {violation|failed|error}
{Anmeldung fehlgeschlagen|Falsches Passwort|Zugriff verweigert|Zertifikat abgelaufen|Unbefugter Zugriff}
""",
    ("security", "warning"): """
{certificate} {expires in {num} days|will expire soon}
{password} {must be changed|expired|is weak|not set}
account {user} {locked|disabled}
login attempt {by unknown user|outside permitted hours} {from {ip}|}
host name of {ip} cannot be verified
""",
}

# Routine without any word of trouble: what code says about itself, whatever it is about.
CHATTER = """
{ident}: {noun} {noun} {verbed}
{ident}: {verbing} {noun} {num}
{ident}({num}) {noun}={num}, {noun}={bool}
{ident}: {noun}={num}, {noun}={num}, {noun}={bool}
{ident}::{ident}: {noun} {num|{hex}|{bool}}
{ident} {ident} {num|{id}|{bool}|}
{ident} {noun} {num} {noun} {num}
{ident}() {noun} {verbed} {num|{bool}|}
[{ident}] {verbing} {noun} {noun}
<{ident}: {hex}> {verbing} {noun}
{verbing} {noun} {noun} {for|of|from|to|with} {noun} {num}
{verbing} {noun} {path|{host}|{ip}|{id}|{name}}
{noun} {noun} {verbed} {in|by|with|for|on} {noun} {num}
{noun} {id} {verbed} {at {ip}|from {ip}|to {path}|in {ms}|}
{noun} {noun} {is|was} {verbed}
{noun}: {noun}={num} {noun}={num} {noun}={num}
{noun} {num} {noun} {num} {noun} {num}
{noun} {count|size|id|name|list|index|type|path|rate|mode|version}: {num|{name}}
{noun} {from|to} {noun} {num} {num}
no {noun} {specified|configured|needed|given}, {using default|using {num}|continuing}
{will|going to|about to} {verb} {noun} {noun}
{noun} {is|are} {available|active|empty|ready|valid|unchanged|up to date|disabled|enabled|required by {noun}}
{noun} {changed|switched|moved} from {state} to {state}
{noun} {verbed}, {noun} {verbed}
{user} {verbed} {noun} {name}
{num} {noun} {verbed}, {num} {noun} {verbed}
{key|value|entry} {name} of {noun} {verbed}
{noun} driver {version} {loaded|registered|attached}
{noun} {noun}, {noun} {num}, {noun} {num}
reply {from|to} {noun}: {noun} {num}
{noun} -> {noun} {num}
"""

# Slots that are filled with one of these; a slot may name further slots.
WORDS = {
    "motor": "motor|drive {num}|conveyor motor|spindle motor|pump motor|main drive|servo axis {num}",
    "part": "motor|motor winding|drive|gearbox|bearing|cabinet|heat sink|oil|hydraulic oil|coolant|spindle|transformer|inverter|battery|power module|IGBT|control board|CPU|extruder|nozzle|zone {num}|oven|compressor|stator|exhaust|inlet|ambient|chamber|water|cooling water|joint {num}",
    "quantity": "temperature|pressure|level|flow|speed|voltage|current|vibration|humidity|torque|frequency|load|oil level|position",
    "busbar": "DC bus|DC link|input|output|battery|24V supply|mains|motor|grid|control voltage|PV",
    "fault": "overtemperature|overcurrent|undervoltage|encoder fault|communication fault|low oil level|emergency stop|door open|jam|following error|sensor fault|phase loss|bus fault|ground fault|low battery|overload|fan failure|link down|memory error|high vibration",
    "sensor": "temperature sensor|pressure sensor|level sensor|proximity switch|flow meter|load cell|thermocouple|PT100|light barrier|speed sensor|torque sensor|force sensor|current transducer|limit switch signal|NTC|vibration sensor|oxygen sensor|position sensor|probe|humidity sensor",
    "bus": "CAN bus|Profibus|PROFINET|EtherCAT|Modbus|RS485|fieldbus|IO-Link|serial link|DeviceNet|BACnet|mailbox|I2C|SPI",
    "peer": "PLC|HMI|drive {num}|node {num}|gateway|server|remote I/O|BMS|meter|robot controller|master|slave {num}|SCADA|broker|host {ip}|inverter|display|control unit|scale|database server",
    "service": "sshd|ntpd|mqtt broker|opc ua server|historian|cron|httpd|web server|dhcpd|syslogd|database|data logger|scheduler|update agent|named",
    "name": "DB12|mould_a|recipe_17|axis_cfg|MainTask|ax88179|line-3|ProcessImage|RobotProg|cacheManager|eventQueue|CycleTime|ProductStore|ipv6|acpi|media0|netfilter|TrendView|maxRetry",
    "user": "admin|operator|root|service|guest|maint01|mueller|jsmith",
    "state": "NEW|RUNNING|SUCCEEDED|ASSIGNED|IDLE|PENDING|DONE|ACTIVE|STARTING|READY",
    "host": "node-{num}|srv{num}|gw-{num}.plant.local|cell{num}|histo.example.com|edge-{num}",
    "path": "/var/lib/data/{num}|/etc/agent/site.conf|/opt/plc/prog.bin|/home/op/job.nc|C:\\\\Recipes\\\\mould.xml|/api/v1/items/{num}|/usr/share/cache/img{num}|/data/current/log",
    "camel": "updateState|onReceive|setPowerMode|getTotalCount|refreshView|bindService|saveDetailData|computeLayout|flushBuffer|registerCallback|notifyListeners|startTimer|checkPolicy|syncClock|queryStatus|writeRecord|isScreenReady|DeviceManager::wakeHandler|SessionPool.release",
    "Camel": "Event|Message|Intent|Broadcast|Update|Request",
    "bool": "true|false",
    "noun": "task|job|queue|buffer|session|packet|stream|screen|window|view|button|layout|cursor|font|theme|account|profile|user|group|policy|rule|filter|index|table|column|row|record|query|result|report|page|document|folder|directory|partition|volume|block|sector|snapshot|replica|shard|cluster|node|host|server|client|worker|thread|kernel|module|driver|device|bus|port|interface|address|route|channel|socket|tunnel|proxy|message|event|signal|notification|broadcast|callback|listener|timer|alarm clock|calendar|clock|timestamp|interval|period|delay|counter|total|average|rate|speed|position|angle|axis|motor|sensor|temperature|pressure|level|voltage|current|power|battery|charger|fan|pump|valve|door|light|camera|microphone|speaker|keyboard|mouse|touch|display|memory|cache|heap|stack|register|pointer|offset|bit|mask|flag|token|key|certificate|signature|permission|security|identity|license|package|image|container|instance|service|daemon|process|command|script|program|recipe|batch|order|part|tool|pallet|station|cell|line|robot|conveyor|network|link|carrier|wifi|bluetooth|radio|cell tower|location|map|step|activity|health|heart rate|distance|altitude|sleep|wake|suspend|resume|power state|scheduler|allocator|manager|controller|handler|factory|provider|adapter|scope|context|configuration|setting|property|preference|option|parameter|argument|value|state|status|mode|phase|stage|attempt|block size|split|map output|reduce|executor|application|resource|request|response|header|body|payload|content|media|audio|video|track|volume level|brightness|orientation|animation|transition|gesture",
    "verb": "update|create|open|close|read|write|send|receive|start|stop|add|remove|register|unregister|load|store|save|restore|check|verify|scan|parse|build|compile|render|draw|show|hide|enable|disable|set|reset|clear|flush|sync|copy|move|delete|rename|allocate|release|bind|attach|detach|connect|subscribe|publish|notify|schedule|run|launch|resume|pause|wait for|poll|query|fetch|download|upload|install|configure|initialise|compute|measure|calibrate|count|sort|merge|split|map|reduce|assign|commit|apply|accept|dispatch|forward|route|resolve|acquire|enter|leave|select|switch|adjust",
    "verbing": "updating|creating|opening|closing|reading|writing|sending|receiving|starting|stopping|adding|removing|registering|loading|storing|saving|restoring|checking|verifying|scanning|parsing|building|rendering|showing|hiding|enabling|disabling|setting|clearing|flushing|syncing|copying|moving|deleting|allocating|releasing|binding|attaching|connecting|subscribing|publishing|notifying|scheduling|running|launching|resuming|pausing|waiting for|polling|querying|fetching|downloading|installing|configuring|initializing|computing|measuring|counting|merging|assigning|committing|applying|dispatching|forwarding|resolving|acquiring|entering|leaving|selecting|switching|adjusting|setting up|using|trying|getting|processing|probing",
    "verbed": "updated|created|opened|closed|read|written|sent|received|started|stopped|added|removed|registered|loaded|stored|saved|restored|checked|verified|scanned|parsed|built|rendered|shown|hidden|enabled|disabled|set|cleared|flushed|synced|copied|moved|deleted|allocated|released|bound|attached|connected|subscribed|published|notified|scheduled|launched|resumed|paused|polled|fetched|downloaded|installed|configured|initialized|computed|measured|counted|merged|assigned|committed|applied|dispatched|forwarded|resolved|acquired|entered|selected|switched|adjusted|found|used|requested|granted|finished|completed|detected|reported|returned|reached|skipped|terminated|expired normally|exited with code 0",
}
